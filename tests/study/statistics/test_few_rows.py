import numpy as np
import pytest

from ninefold.study.metrics import metrics_for, score
from ninefold.study.statistics.chance import chance_score
from ninefold.study.statistics.few_rows import (
    Rows,
    RowScore,
    interval_of_rows,
    row_interval,
    row_score,
)

BINARY = metrics_for("binary")


def rows_of(counts=(94, 6), repeats=3, signal=0.0, seed=1) -> Rows:
    generator = np.random.default_rng(seed)
    y = generator.permutation(np.repeat(np.arange(len(counts)), counts))
    found = generator.dirichlet(np.ones(len(counts)), (repeats, len(y)))
    found += signal * np.eye(len(counts))[y]
    tested = np.array([generator.permutation(len(y)) % 5 for _ in range(repeats)])
    found /= found.sum(axis=2, keepdims=True)
    return Rows(y, found, tested, np.zeros(tested.shape, dtype=bool))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("counts", [(94, 6), (60, 34, 6)])
def test_each_interval_has_width_and_is_about_its_score(name, counts):
    rows = rows_of(counts)
    found = interval_of_rows(name, rows)
    assert found.low < found.mean < found.high
    if name != "roc_auc":  # which counts the pairs of a fold alone
        each = [score(name, rows.y, one, n_classes=len(counts)) for one in rows.found]
        assert found.mean == pytest.approx(np.mean(each))


@pytest.mark.parametrize("name", BINARY)
def test_a_perfect_model_of_six_rows_is_not_certain_to_be_perfect(name):
    rows = rows_of(signal=1e6)
    found = interval_of_rows(name, rows)
    if name in ("log_loss", "brier"):
        assert found.mean < 1e-5
    else:
        assert found.mean == found.high == 1
        assert found.low < 0.97


def test_the_standard_error_of_a_mean_of_rows_is_the_text_books():
    rows = rows_of(repeats=1)
    losses = -np.log(rows.found[0][np.arange(100), rows.y])
    found = row_interval(row_score("log_loss", rows), rows.y)
    assert found.standard_error == pytest.approx(losses.std(ddof=1) / 10, rel=0.05)


def test_equal_groups_of_equal_rows_count_once():
    rows = rows_of((20, 20), repeats=1)
    alone = row_score("log_loss", rows)
    twice = RowScore(alone.value, np.repeat(alone.influence, 5))
    groups = np.repeat(np.arange(40), 5)
    one = row_interval(alone, rows.y, np.arange(40))
    five = row_interval(twice, np.repeat(rows.y, 5), groups)
    assert five.standard_error == pytest.approx(one.standard_error)
    assert five.freedom == one.freedom == 39


@pytest.mark.parametrize("size", [1e-20, 1e-80, 1e-200])
@pytest.mark.parametrize("groups", [None, np.arange(100) % 20])
def test_the_interval_of_tiny_numbers_is_that_of_others_in_their_unit(size, groups):
    rows = rows_of()
    whole = row_score("log_loss", rows)
    tiny = RowScore(size * whole.value, size * whole.influence)
    one, other = (row_interval(score, rows.y, groups) for score in (whole, tiny))
    assert (other.low / size, other.high / size) == pytest.approx((one.low, one.high))
    assert other.freedom == one.freedom


@pytest.mark.parametrize("error", [1e-40, 1e-90, 1e-150])
def test_a_brier_score_of_nearly_nothing_has_an_interval_of_some_width(error):
    rows = rows_of()
    wrong = error * rows.found[:, :, 0]
    right = np.where(rows.y == 1, 1 - wrong, wrong)
    found = np.stack([1 - right, right], axis=2)
    interval = interval_of_rows("brier", Rows(rows.y, found, rows.tested, rows.naive))
    assert 0 < interval.low < interval.mean < interval.high


def test_a_class_of_one_row_has_no_standard_error_but_an_interval_of_the_recall():
    rows = rows_of((99, 1))
    assert np.isnan(row_interval(row_score("roc_auc", rows), rows.y).low)
    found = interval_of_rows("balanced_accuracy", rows)
    assert found.high - found.low > 0.3


@pytest.mark.parametrize("name", ["average_precision", "roc_auc"])
@pytest.mark.parametrize("counts", [(94, 6), (60, 34, 6)])
def test_rows_of_a_diverged_fold_count_as_ranked_at_random(name, counts):
    rows = rows_of(counts, signal=0.5)
    everywhere = Rows(rows.y, np.ones_like(rows.found), rows.tested, ~rows.naive)
    expected = chance_score(name, rows.y, len(counts))
    assert row_score(name, everywhere).value == pytest.approx(expected)
    some = rows.tested == 0
    found = np.where(some[:, :, None], 1 / len(counts), rows.found)
    mixed = row_score(name, Rows(rows.y, found, rows.tested, some))
    assert expected < mixed.value < row_score(name, rows).value
    assert np.isfinite(mixed.influence).all()
