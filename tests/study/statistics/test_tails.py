"""A tail beyond what was seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
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


numbers = st.floats(0, 1e12) | st.sampled_from([1.0, 1.0 + 2e-16, 0.3, 0.1 + 0.2, 5e-324])


@given(st.lists(numbers, min_size=1, max_size=120), st.integers(0, 100))
def test_whatever_the_errors_what_is_drawn_is_finite_and_not_below_the_threshold(errors, seed):
    errors = np.array(errors)
    rows = np.arange(len(errors))
    found = replace_tail(errors, rows, rows * 0, 1, np.random.default_rng(seed))
    assert np.isfinite(found).all()
    changed = found != errors
    assert changed.sum() <= 0.1 * len(errors)
    assert (found[changed] >= np.sort(errors)[::-1][changed.sum() :][:1]).all()
