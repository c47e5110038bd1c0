"""How much too good the score of the best of several is."""

import numpy as np
import pytest
from scipy import special

from ninefold.errors import NinefoldError
from ninefold.study.metrics import METRICS, score
from ninefold.study.statistics.expected import FoldScores, expected_range
from ninefold.study.statistics.optimism import (
    Candidates,
    correct_for_choice,
    draw_rows,
    simplest_within,
)


def regressors(noises, rows=200, sets=2, metric="mae", seed=0):
    """Candidates whose errors have these standard deviations, each row's own in each set."""
    generator = np.random.default_rng(seed)
    y = generator.normal(size=rows)
    errors = generator.normal(size=(len(noises), 1, rows)) * np.array(noises)[:, None, None]
    return Candidates(metric, y, y + np.repeat(errors, sets, axis=1))


def classifiers(candidates=8, rows=150, metric="log_loss", share=0.5, n_classes=2, seed=0):
    """Candidates that are equally good, each with a luck of its own in each row."""
    generator = np.random.default_rng(seed)
    y = (generator.random(rows) < share).astype(int)
    y[: 20 * (n_classes - 2)] = 2
    logits = generator.normal(size=(candidates, 3, rows, n_classes))
    logits += 1.5 * (y[:, None] == np.arange(n_classes))
    odds = np.exp(logits)
    return Candidates(metric, y, odds / odds.sum(axis=-1, keepdims=True))


CLASSIFYING = [name for name, metric in METRICS.items() if metric.takes != "numbers"]


@pytest.mark.parametrize("metric", CLASSIFYING)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_best_of_equals_by_any_metric_scores_too_well_and_the_sign_says_so(metric, n_classes):
    found = correct_for_choice(classifiers(metric=metric, n_classes=n_classes), draws=200)
    assert found.optimism > 0
    better = 1 if METRICS[metric].greater_is_better else -1
    assert better * (found.flat - found.corrected) == pytest.approx(found.optimism)


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_the_best_of_equal_regressions_scores_too_well(metric):
    assert correct_for_choice(regressors([1.0] * 10, metric=metric), draws=200).optimism > 0


def test_a_single_candidate_has_no_optimism():
    found = correct_for_choice(classifiers(candidates=1), draws=50)
    assert (found.optimism, found.corrected, found.best) == (0, found.flat, 0)


def test_a_clear_winner_keeps_its_score():
    found = correct_for_choice(regressors([1.0, 0.2, 1.0]), draws=200)
    assert found.best == 1
    assert found.optimism == 0


def test_the_flat_score_is_the_mean_over_the_sets():
    candidates = classifiers(candidates=2, metric="accuracy")
    right = candidates.answers.argmax(axis=-1) == candidates.y
    assert correct_for_choice(candidates, draws=20).flat == pytest.approx(
        right.mean(axis=(1, 2)).max()
    )


def test_the_optimism_of_equals_is_that_of_fresh_rows():
    """The best of ten whose errors are luck: its expected score is everybody's."""
    off = []
    for seed in range(40):
        candidates = regressors([1.0] * 10, rows=100, sets=1, seed=seed)
        found = correct_for_choice(candidates, draws=200)
        off.append(found.corrected - np.sqrt(2 / np.pi))  # E|error|
    assert abs(np.mean(off)) < 0.03 < np.sqrt(2 / np.pi) - 0.7


def test_rows_of_one_group_are_drawn_together():
    groups = np.repeat(np.arange(20), 10)
    candidates = regressors([1.0, 1.0])
    drawn = draw_rows(
        Candidates("mae", candidates.y, candidates.answers, groups), 30, np.random.default_rng(1)
    )
    assert (drawn.reshape(30, 20, 10) == drawn[:, ::10][:, :, None]).all()
    assert (drawn[:, ::10].sum(axis=1) == 20).all()


def test_each_draw_has_as_many_rows_of_each_class_as_there_are():
    candidates = classifiers(share=0.1)
    drawn = draw_rows(candidates, 30, np.random.default_rng(1))
    assert (drawn[:, candidates.y == 1].sum(axis=1) == (candidates.y == 1).sum()).all()


def test_many_rows_are_drawn_in_parts(monkeypatch):
    monkeypatch.setattr("ninefold.study.statistics.optimism._MOST_AT_ONCE", 1)
    assert correct_for_choice(regressors([1.0] * 5, rows=20), draws=25).optimism >= 0


def test_a_metric_defined_on_no_draw_is_a_line():
    candidates = classifiers(metric="roc_auc")
    alone = np.zeros(150, dtype=int)
    alone[0] = 1  # in every draw, so never among the rows that are left out
    with pytest.raises(NinefoldError, match="the optimism of the choice cannot be estimated"):
        correct_for_choice(Candidates("roc_auc", alone, candidates.answers), draws=20)


def test_answers_that_are_not_finite_are_a_line():
    candidates = regressors([1.0])
    nothing = np.full_like(candidates.answers, np.nan)
    with pytest.raises(NinefoldError, match="no candidate has a score"):
        correct_for_choice(Candidates("mae", candidates.y, nothing))


def test_the_simplest_within_one_standard_error_is_chosen():
    errors = np.array([[0, 0.1, 0.1], [0.1, 0, 0.3], [0.1, 0.3, 0]])
    choose = simplest_within([2, 1, 0], lambda number: errors[number])
    assert choose(np.array([[1.0, 0.95, 0.5], [1.0, 0.5, 0.5], [0.5, 1.0, 0.75]])).tolist() == [
        1, 0, 2,
    ]  # fmt: skip


def test_an_unknown_standard_error_is_no_reason_to_choose():
    choose = simplest_within([1, 0], lambda number: np.full(2, np.nan))
    assert choose(np.array([[1.0, 0.99]])).tolist() == [0]


# the range of the hold-out

FOLDS = FoldScores(np.full(30, 0.8), 135, 15)


def test_the_range_holds_the_score_of_the_chosen_and_is_wider_for_fewer_rows():
    candidates = classifiers()
    wide = expected_range(candidates, [5, 5], FOLDS, draws=500)
    narrow = expected_range(candidates, [50, 50], FOLDS, draws=500)
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high


def test_the_range_of_a_loss_is_skewed_towards_worse_scores():
    found = expected_range(classifiers(candidates=1), [5, 5], FOLDS)
    assert found.high - found.mean > 1.15 * (found.mean - found.low)


@pytest.mark.parametrize("metric", [*CLASSIFYING, "r2", "mae", "rmse"])
def test_the_range_stays_in_the_metrics_range(metric):
    numbers = METRICS[metric].takes == "numbers"
    candidates = regressors([0.1], metric=metric) if numbers else classifiers(metric=metric)
    restless = FoldScores(np.array([0.0, 5.0, -5.0]), 2, 1)
    found = expected_range(candidates, [9] if numbers else [5, 4], restless, draws=200)
    low, high = METRICS[metric].limits(2)
    assert low <= found.low <= found.mean <= found.high <= high


def test_scores_that_differ_between_training_sets_widen_the_range():
    candidates = classifiers()
    calm = expected_range(candidates, [20, 20], FOLDS, draws=500)
    restless = FoldScores(np.tile([0.2, 1.4], 15), 135, 15)
    assert expected_range(candidates, [20, 20], restless, draws=500).high > calm.high


def test_errors_larger_than_any_seen_are_allowed_for():
    heavy = np.random.default_rng(3).standard_t(2, size=(1, 1, 200))
    candidates = Candidates("rmse", np.zeros(200), heavy)
    largest = np.abs(heavy).max()
    found = expected_range(candidates, [1], FoldScores(np.full(9, 1.0), 180, 20), confidence=0.998)
    assert found.high > largest


def test_the_range_of_auc_is_about_the_mean_of_folds_whose_models_rank_on_scales_of_their_own():
    generator = np.random.default_rng(0)
    y, fold = np.arange(300) % 2, np.arange(300) // 30
    signal = 1.8 * y + generator.normal(size=300)
    share = special.expit(signal + 2 * generator.normal(size=10)[fold])
    answers = np.stack([1 - share, share], axis=1)
    each = np.array(
        [score("roc_auc", y[fold == f], answers[fold == f], n_classes=2) for f in range(10)]
    )
    candidates = Candidates("roc_auc", y, answers[None, None])
    found = expected_range(candidates, [40, 40], FoldScores(each, 270, 30), draws=500)
    assert score("roc_auc", y, answers, n_classes=2) < each.mean() - 0.03
    assert found.mean == pytest.approx(each.mean(), abs=0.01)
    assert found.low < each.mean() < found.high


def test_few_groups_predict_no_range():
    candidates = regressors([1.0, 1.0])
    grouped = Candidates("mae", candidates.y, candidates.answers, np.arange(200) % 4)
    with pytest.raises(NinefoldError, match="4 groups predict no range"):
        expected_range(grouped, [2], FOLDS)
    grouped = Candidates("mae", candidates.y, candidates.answers, np.arange(200) % 8)
    found = expected_range(grouped, [2], FOLDS, draws=100)
    assert found.low < found.high


@pytest.mark.parametrize(
    ("sizes", "folds", "said"),
    [([5], FOLDS, "has 1 sizes"), ([5, 5], FoldScores(np.array([0.5]), 9, 1), "one fold")],
)
def test_what_does_not_fit_is_a_line(sizes, folds, said):
    with pytest.raises(NinefoldError, match=said):
        expected_range(classifiers(), sizes, folds)
