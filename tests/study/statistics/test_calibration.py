import numpy as np
import pytest
from scipy import special

from ninefold.study.statistics.calibration import (
    calibration_of_numbers,
    calibration_of_probabilities,
    fit_logistic,
    mean_error,
)
from ninefold.study.statistics.sampled import Sampling

BY_ROW = Sampling()


def outcomes(n: int, slope: float, seed: int = 1):
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, n)
    return generator.random(n) < special.expit(slope * logits), special.expit(logits)


def test_the_coefficients_are_the_likeliest():
    from sklearn.linear_model import LogisticRegression

    came_true, probability = outcomes(200, 0.6)
    known = LogisticRegression(C=1e9, tol=1e-10).fit(special.logit(probability)[:, None], came_true)
    found = calibration_of_probabilities(came_true, probability, BY_ROW)
    assert found.slope.score == pytest.approx(known.coef_[0, 0], rel=1e-3)
    assert found.intercept.score == pytest.approx(known.intercept_[0], abs=1e-3)


@pytest.mark.parametrize(("slope", "low", "high"), [(0.3, 0, 1), (3, 1, 99), (1, 0.5, 2)])
def test_too_extreme_too_timid_and_calibrated_probabilities_are_told_apart(slope, low, high):
    found = calibration_of_probabilities(*outcomes(400, slope), BY_ROW).slope
    assert low < found.low < found.score < found.high < high
    assert (found.low <= 1 <= found.high) == (slope == 1)


@pytest.mark.parametrize("errors", [0, 1])
def test_predictions_with_hardly_an_error_have_no_slope_and_are_not_called_too_extreme(errors):
    y = np.arange(100) % 2 == 1
    probability = np.where(y, 0.999, 0.001)
    y[:errors] = ~y[:errors]
    found = calibration_of_probabilities(y, probability, BY_ROW)
    assert found.slope.low is None
    assert "hardly an error" in found.slope.reason


def test_constant_predictions_have_no_slope():
    y = np.arange(10) % 2 == 1
    for found in (
        calibration_of_probabilities(y, np.full(10, 0.5), BY_ROW),
        calibration_of_numbers(np.arange(10.0), np.ones(10), BY_ROW),
    ):
        assert "alike" in found.slope.remark


def test_numbers_that_are_too_spread_out_have_a_slope_below_1():
    generator = np.random.default_rng(1)
    actual = generator.normal(size=200)
    found = calibration_of_numbers(actual, 2 * actual + generator.normal(size=200), BY_ROW)
    assert found.slope.high < 0.6
    assert found.intercept.low < 0 < found.intercept.high


def test_groups_make_the_slope_less_sure_and_time_leaves_it_without_an_interval():
    came_true, probability = outcomes(200, 1)
    groups = Sampling(np.arange(200) // 20)
    found = calibration_of_probabilities(came_true, probability, groups).slope
    assert found.method == "jackknife of 10 groups"
    ordered = calibration_of_probabilities(came_true, probability, Sampling(ordered=True)).slope
    assert ordered.low is None
    assert ordered.score == found.score


def test_outcomes_that_a_line_parts_have_no_likeliest_coefficients():
    design = np.column_stack([np.ones(20), np.arange(20.0)])
    found, errors = fit_logistic(design, (np.arange(20) > 9).astype(float))
    assert np.isnan(found).all()
    assert np.isnan(errors).all()


def test_the_mean_error_has_the_interval_of_its_t_test():
    from scipy import stats

    actual, predicted = np.random.default_rng(1).normal(size=(2, 40))
    known = stats.ttest_1samp(actual - predicted, 0)
    found = mean_error(actual, predicted, BY_ROW)
    ends = known.confidence_interval()
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high))
    by_group = mean_error(actual, predicted, Sampling(np.arange(40) // 2))
    pairs = stats.ttest_1samp((actual - predicted).reshape(20, 2).mean(axis=1), 0)
    assert by_group.high == pytest.approx(pairs.confidence_interval().high)


def test_where_rows_follow_one_another_the_mean_error_has_no_interval():
    assert mean_error(np.ones(9), np.zeros(9), Sampling(ordered=True)).low is None
    assert mean_error(np.ones(1), np.zeros(1), BY_ROW).reason == "a single row"
