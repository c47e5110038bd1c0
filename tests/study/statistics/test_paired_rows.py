"""Two models on the same rows: the difference agrees with the scores, its interval with theory."""

import numpy as np
import pytest
from scipy import stats

from ninefold.study.metrics import METRICS, score
from ninefold.study.statistics.left_out import scores_without
from ninefold.study.statistics.paired_rows import paired_difference


@pytest.fixture
def numbers():
    return np.random.default_rng(0)


def shares(numbers, rows, classes=2):
    return numbers.dirichlet(np.ones(classes), rows)


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_a_row_left_out_of_numbers_is_left_out(metric, numbers):
    y, found = numbers.normal(size=(2, 12))
    whole, without = scores_without(metric, y, found)
    assert whole == pytest.approx(score(metric, y, found))
    anew = [score(metric, np.delete(y, i), np.delete(found, i)) for i in range(12)]
    assert without == pytest.approx(anew)


def test_of_a_mean_over_rows_it_is_the_paired_t_test(numbers):
    y = numbers.normal(size=50)
    a, b = y + numbers.normal(size=50), y + 1.5 * numbers.normal(size=50)
    losses = np.abs(y - a) - np.abs(y - b)
    theory = stats.ttest_1samp(losses, 0).confidence_interval()
    found = paired_difference("mae", y, a, b)
    assert (found.low, found.high) == pytest.approx((theory.low, theory.high))
    assert found.mean == pytest.approx(losses.mean())


@pytest.mark.parametrize("metric", [m for m in METRICS if METRICS[m].takes != "numbers"])
@pytest.mark.parametrize("classes", [2, 3])
def test_swapping_the_models_turns_the_difference_and_its_verdict(metric, classes, numbers):
    y = numbers.integers(classes, size=80)
    sharp = 0.7 * np.eye(classes)[y] + 0.3 * shares(numbers, 80, classes)
    blunt = shares(numbers, 80, classes)
    one, other = (
        paired_difference(metric, y, sharp, blunt),
        paired_difference(metric, y, blunt, sharp),
    )
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low))
    assert (one.verdict, other.verdict) == ("better", "worse")


def test_the_same_model_twice_is_not_told_apart(numbers):
    y = numbers.integers(2, size=30)
    found = paired_difference("log_loss", y, *[shares(numbers, 30)] * 2)
    assert (found.mean, found.verdict) == (0.0, "undecided")


def test_rows_in_order_and_few_groups_have_a_difference_and_no_interval(numbers):
    y, a, b = numbers.normal(size=(3, 40))
    for options in ({"ordered": True}, {"groups": np.arange(40) % 4}):
        found = paired_difference("rmse", y, a, b, **options)
        assert (found.low, found.high, found.verdict) == (None, None, "")
        assert found.mean == pytest.approx(score("rmse", y, a) - score("rmse", y, b))


def test_groups_that_err_together_widen_the_interval(numbers):
    group = np.repeat(np.arange(20), 10)
    shift = numbers.normal(size=20)[group]
    y = np.zeros(200)
    a, b = shift + 0.1 * numbers.normal(size=200), numbers.normal(size=200)
    alone, together = (paired_difference("mae", y, a, b, groups=g) for g in (None, group))
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_a_class_of_one_row_has_no_interval(numbers):
    y = np.array([1] + [0] * 20)
    found = paired_difference("balanced_accuracy", y, shares(numbers, 21), shares(numbers, 21))
    assert (found.low, found.verdict) == (None, "")
