import numpy as np
import pytest
from scipy import stats

from ninefold.study.statistics.bootstrap import mean_limits, ratio_limits


def test_of_even_losses_the_limits_are_those_of_students_t():
    losses = np.random.default_rng(1).normal(10, 1, 400)
    reach = stats.t.ppf(0.975, 399) * losses.std(ddof=1) / 20
    found = mean_limits(losses, 1, 4000)
    assert found == pytest.approx((losses.mean() - reach, losses.mean() + reach), abs=0.02)


def test_of_skewed_losses_the_upper_limit_is_further_away():
    losses = np.random.default_rng(1).exponential(size=60) ** 2
    low, high = mean_limits(losses, 1, 2000)
    assert high - losses.mean() > 1.5 * (losses.mean() - low)


def test_a_draw_without_the_rows_that_carry_the_loss_does_not_open_the_interval():
    losses = np.r_[np.full(58, 1e-6), 9, 12]
    low, high = mean_limits(losses, 1, 2000)
    assert -0.1 < low < losses.mean() < high < 6 * losses.mean()


def test_the_ratio_of_errors_to_the_targets_variance_covers():
    generator, held = np.random.default_rng(2), 0
    for trial in range(100):
        y = generator.normal(size=80)
        found = ratio_limits(generator.normal(0, 0.5, 80) ** 2, y, trial, 300)
        held += found[0] <= 0.25 <= found[1]
    assert held >= 88


def test_many_rows_are_given_students_t():
    losses = np.random.default_rng(1).exponential(size=6000)
    reach = stats.t.ppf(0.975, 5999) * losses.std(ddof=1) / np.sqrt(6000)
    expected = losses.mean() - reach, losses.mean() + reach
    assert mean_limits(losses, 1, 2000) == pytest.approx(expected)
