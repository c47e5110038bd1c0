"""Which estimate a metric gets where folds hold few rows of a class, and what is skill."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import ShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from ninefold.study.estimates import (
    OF_BOTH,
    OF_FOLDS,
    OF_ROWS,
    estimate_of,
    fewest_of_a_class,
    interval_of,
    paired,
    skill_of,
)
from ninefold.study.evaluate import evaluate
from ninefold.study.evaluation import naive_evaluation
from ninefold.study.metrics import METRICS

GENERATOR = np.random.default_rng(1)
X = GENERATOR.normal(size=(200, 3))
RARE = (X[:, 0] + GENERATOR.normal(size=200) > 2.3).astype(int)
EVEN = (X[:, 0] + GENERATOR.normal(size=200) > 0).astype(int)
NOISE = GENERATOR.permutation(RARE)


@pytest.fixture(scope="module")
def rare():
    return evaluate(LogisticRegression(), X, RARE, folds=5, repeats=2)


@pytest.fixture(scope="module")
def noise():
    return evaluate(LogisticRegression(), X, NOISE, folds=5, repeats=2)


def test_average_precision_of_few_rows_is_that_of_all_rows_of_a_repeat(rare):
    assert fewest_of_a_class(rare) < 10
    found = rare.estimate("average_precision")
    each = [
        average_precision_score(RARE[frame["row"]], frame["1"])
        for _, frame in rare.predictions.groupby("repeat")
    ]
    assert found.method == OF_ROWS
    assert found.interval.mean == pytest.approx(np.mean(each))
    assert found.interval.mean == rare.interval("average_precision").mean
    assert len(rare.scores) == 10  # one row a fold as ever


def test_where_folds_hold_ten_rows_of_each_class_nothing_changes():
    found = evaluate(LogisticRegression(), X, EVEN, folds=5, repeats=2)
    for name in found.protocol.metrics:
        assert found.estimate(name).method == OF_FOLDS
        assert found.interval(name) == interval_of(found.values(name), name, found.protocol)
    assert "method" not in found.to_record()["summary"]["log_loss"]


def test_other_metrics_keep_their_mean_and_never_get_a_narrower_interval(rare):
    for name in ("accuracy", "balanced_accuracy", "log_loss", "brier"):
        found, folds = rare.estimate(name), interval_of(rare.values(name), name, rare.protocol)
        assert found.method == OF_BOTH
        assert found.interval.mean == folds.mean
        assert found.interval.low <= folds.low < folds.high <= found.interval.high


def test_every_interval_lies_within_the_range_of_its_metric(rare):
    for name in rare.protocol.metrics:
        found, (low, high) = rare.interval(name), METRICS[name].limits(2)
        assert low <= found.low <= found.mean <= found.high <= high


def test_a_signal_has_skill_and_noise_has_none(rare, noise):
    for name in ("average_precision", "roc_auc"):
        assert skill_of(rare, name).difference.low > 0
        assert skill_of(noise, name).difference.low < 0


def test_the_naive_model_is_as_good_as_itself(rare):
    naive = naive_evaluation(rare.predictions, rare.protocol)
    for name in rare.protocol.metrics:
        found = skill_of(naive, name)
        assert (found.difference.mean, found.remark) == (0, "identical on all folds")
    low, high = naive.interval("roc_auc").low, naive.interval("roc_auc").high
    assert low == high == 0.5


@pytest.mark.parametrize("name", ["average_precision", "roc_auc", "f1", "log_loss"])
def test_interval_and_p_of_a_difference_agree_and_turn_round_with_its_sides(rare, noise, name):
    other = replace(noise, protocol=rare.protocol)
    one, back = paired(rare, other, name), paired(other, rare, name)
    assert one.difference.mean == pytest.approx(-back.difference.mean)
    assert one.difference.low == pytest.approx(-back.difference.high)
    outside = one.difference.low > 0 or one.difference.high < 0
    assert outside == (one.p < 0.05)


def test_a_model_that_ranks_by_its_decision_is_scored_by_it():
    found = evaluate(SVC(), X, RARE, folds=5, repeats=1)
    ranked = average_precision_score(RARE[found.predictions["row"]], found.ranking[:, 1])
    assert found.interval("average_precision").mean == pytest.approx(ranked)
    assert np.isfinite(skill_of(found, "average_precision").p)


def test_a_diverged_fold_is_scored_as_a_random_ranking(rare):
    place = (0, 1)
    diverged = replace(rare, diverged=(place,))
    assert diverged.interval("average_precision").mean < rare.interval("average_precision").mean


def test_rows_tested_more_than_once_in_a_repeat_are_left_to_the_folds():
    splitter = ShuffleSplit(5, test_size=0.2, random_state=1)
    found = evaluate(LogisticRegression(), X, RARE, splitter=splitter, metrics=["brier"])
    assert estimate_of(found, "brier").method == OF_FOLDS


def test_rows_of_one_group_count_as_one(rare):
    groups = np.arange(200) // 2
    X2, y2 = np.repeat(X[:100], 2, axis=0), np.repeat(RARE[:100], 2)
    apart = evaluate(KNeighborsClassifier(), X2, y2, folds=3, repeats=1, groups=groups)
    assert (apart.protocol.groups == groups).all()
    alone = replace(apart, protocol=replace(apart.protocol, groups=None))
    for name in ("average_precision", "log_loss"):
        one, other = paired_width(apart, name), paired_width(alone, name)
        assert one > other


def paired_width(evaluation, name):
    from ninefold.study.estimates import rows_of
    from ninefold.study.statistics.few_rows import row_interval, row_score

    rows = rows_of(evaluation, name)
    return row_interval(row_score(name, rows), rows.y, rows.groups).standard_error


def test_a_perfect_model_of_three_rows_has_skill_by_a_ranking_but_not_without_doubt():
    y = (np.arange(60) < 3).astype(int)
    found = evaluate(LogisticRegression(C=1e6), 10.0 * y[:, None], y, folds=3, repeats=1)
    for name in ("average_precision", "roc_auc", "balanced_accuracy"):
        tested = skill_of(found, name)
        assert found.interval(name).mean == 1
        assert tested.difference.low < tested.difference.mean < tested.difference.high
        assert 0 < tested.p < 0.05


def test_classes_of_one_row_allow_no_test_and_it_is_said(rare):
    alone = np.where(np.arange(200) == int(np.flatnonzero(RARE)[0]), 1, 0)
    changed = replace(rare, protocol=replace(rare.protocol, y=alone))
    found = skill_of(changed, "log_loss")
    assert found.p is None or 0 <= found.p <= 1
    assert np.isnan(paired(changed, rare, "f1").difference.low)
    assert paired(changed, rare, "f1").remark == "no test: a class has a single row"
