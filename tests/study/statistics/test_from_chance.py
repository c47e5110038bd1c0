import numpy as np
import pytest

from ninefold.study.metrics import score
from ninefold.study.statistics.chance import chance_score
from ninefold.study.statistics.few_rows import Rows, RowScore, row_interval, row_score
from ninefold.study.statistics.from_chance import interval_from_chance


def rows_of(counts, found) -> Rows:
    y = np.repeat(np.arange(len(counts)), counts)
    none = np.zeros((1, len(y)), dtype=bool)
    return Rows(y, found[None], none.astype(int), none)


@pytest.mark.parametrize("name", ["average_precision", "roc_auc"])
@pytest.mark.parametrize("counts", [(294, 6), (255, 45), (200, 82, 18), (120, 100, 80)])
def test_a_random_ranking_varies_no_more_than_the_standard_error_says(name, counts):
    generator, y = np.random.default_rng(1), np.repeat(np.arange(len(counts)), counts)
    drawn = [generator.dirichlet(np.ones(len(counts)), 300) for _ in range(300)]
    scores = [score(name, y, found, n_classes=len(counts)) for found in drawn]
    errors = []
    for found, value in zip(drawn[:20], scores, strict=False):
        rows = rows_of(counts, found)
        whole = row_score(name, rows)
        difference = RowScore(value - chance_score(name, y, len(counts)), whole.influence)
        errors.append(interval_from_chance(difference, rows, name).standard_error)
    assert np.mean(errors) > 0.9 * np.std(scores)


def test_recalls_that_did_not_vary_are_doubted():
    found = np.eye(2)[np.repeat([0, 1], [50, 50])]  # half of one class, all four of the other
    rows = rows_of((96, 4), found)
    whole = row_score("balanced_accuracy", rows)
    difference = RowScore(whole.value - 0.5, whole.influence)
    plain = row_interval(difference, rows.y)
    doubted = interval_from_chance(difference, rows, "balanced_accuracy")
    assert plain.low > 0.2
    assert doubted.low < 0.01  # a guess finds all four once in sixteen times


def test_other_metrics_keep_the_interval_of_the_rows():
    generator = np.random.default_rng(1)
    rows = rows_of((90, 10), generator.dirichlet([1, 1], 100))
    whole = row_score("log_loss", rows)
    assert interval_from_chance(whole, rows, "log_loss") == row_interval(whole, rows.y)
