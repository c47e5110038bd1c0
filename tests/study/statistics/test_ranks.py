import numpy as np
import pytest
from scipy import special

from ninefold.study.metrics import score
from ninefold.study.statistics.ranks import (
    auc_interval,
    auc_of_class,
    average_precision_interval,
    precision_of_class,
)


def ranked(seed: int, positives: int = 30, negatives: int = 70, apart: float = 1.0):
    generator = np.random.default_rng(seed)
    positive = np.arange(positives + negatives) < positives
    return positive, generator.normal(size=len(positive)) + apart * positive


def test_delongs_variance_is_that_of_the_pairs():
    positive, ranking = ranked(1, 300, 700)
    wins = (ranking[positive][:, None] > ranking[~positive]).astype(float)
    variance = wins.mean(axis=1).var(ddof=1) / 300 + wins.mean(axis=0).var(ddof=1) / 700
    found, influence = auc_of_class(positive, ranking)
    assert found.score == pytest.approx(wins.mean())
    assert (influence**2).sum() == pytest.approx(variance, rel=0.01)
    reach = 1.959964 * np.sqrt(variance) / (found.score * (1 - found.score))
    assert found.low <= special.expit(special.logit(found.score) - reach) + 1e-9
    assert found.high >= special.expit(special.logit(found.score) + reach) - 1e-9


@pytest.mark.parametrize("of_class", [auc_of_class, precision_of_class])
def test_the_influence_of_a_row_is_about_what_leaving_it_out_changes(of_class):
    positive, ranking = ranked(2, 60, 140)
    found, influence = of_class(positive, ranking)
    kept = [np.delete(np.arange(200), row) for row in range(200)]
    changes = [found.score - of_class(positive[rows], ranking[rows])[0].score for rows in kept]
    assert np.corrcoef(influence, changes)[0, 1] > 0.99
    assert np.std(influence) == pytest.approx(np.std(changes), rel=0.05)


@pytest.mark.parametrize("interval", [auc_interval, average_precision_interval])
@pytest.mark.parametrize("rows", [(1, 20), (2, 2), (6, 94), (50, 50)])
def test_perfect_and_worst_and_constant_rankings_are_never_points(interval, rows):
    y = np.repeat([1, 0], rows)
    for ranking in (y, -y, np.zeros(len(y))):
        told = np.column_stack([-ranking, ranking]).astype(float)
        found = interval(y, told)
        assert 0 <= found.low <= found.score <= found.high <= 1
        assert found.low < found.high


@pytest.mark.parametrize(
    ("name", "interval"),
    [("roc_auc", auc_interval), ("average_precision", average_precision_interval)],
)
def test_several_classes_are_averaged_and_ties_counted_as_by_the_metric(name, interval):
    generator = np.random.default_rng(3)
    y = np.arange(80) % 4
    told = np.round(generator.random((80, 4)) + 0.3 * np.eye(4)[y], 1)
    found = interval(y, told)
    assert found.score == pytest.approx(score(name, y, told, n_classes=4))
    assert found.low < found.score < found.high


def test_the_interval_of_auc_covers_with_six_positives():
    held = 0
    for seed in range(200):
        found = auc_of_class(*ranked(seed, 6, 94, np.sqrt(2) * 1.2815516))[0]  # a true AUC of 0.9
        held += found.low <= 0.9 <= found.high
    assert held >= 185  # DeLong's alone: 175
