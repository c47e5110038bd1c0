"""A tail beyond what was seen."""

import numpy as np
import pytest
from scipy import stats

from ninefold.study.statistics.tails import pareto_tails, replace_tail


@pytest.mark.parametrize("shape", [0.0, 0.3, 0.6])
def test_the_shape_of_a_pareto_tail_is_found(shape):
    excess = stats.genpareto(shape, scale=2).rvs(5_000, random_state=1)
    shapes, scales, weights = pareto_tails(excess)
    assert weights.sum() == pytest.approx(1)
    assert (weights * shapes).sum() == pytest.approx(shape, abs=0.05)
    assert (weights * scales).sum() == pytest.approx(2, rel=0.05)


def test_errors_below_the_tail_stay_and_those_in_it_may_be_larger_than_any_seen():
    errors = np.abs(np.random.default_rng(1).standard_t(2, size=200))
    rows = np.tile(np.arange(200), 50)
    found = replace_tail(errors, rows, np.repeat(np.arange(50), 200), 50, np.random.default_rng(2))
    threshold = np.sort(errors)[-21]
    low = errors[rows] <= threshold
    assert (found[low] == errors[rows][low]).all()
    assert (found[~low] > threshold).all()
    assert found.max() > errors.max()


@pytest.mark.parametrize("errors", [np.ones(100), np.arange(20.0), np.zeros(3)])
def test_errors_too_alike_or_too_few_have_no_tail(errors):
    rows = np.arange(len(errors))
    found = replace_tail(errors, rows, np.zeros_like(rows), 1, np.random.default_rng(1))
    assert (found == errors).all()
