"""Intervals and p-values of a family hold for all of it at once, and agree."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ninefold.study.statistics.families import (
    compare_at_once,
    correlation_of,
    detectable_difference,
)
from ninefold.study.statistics.folds import paired_comparison

FEW = {"draws": 20_000}


def test_a_family_of_one_is_the_exact_t_test():
    found = compare_at_once(np.array([0.3]), np.array([0.1]), 29, np.eye(1))
    assert found.critical[0] == pytest.approx(stats.t.ppf(0.975, 29))
    assert found.p[0] == pytest.approx(2 * stats.t.sf(3, 29))
    assert found.low[0] == pytest.approx(0.3 - 0.1 * found.critical[0])


def test_of_one_half_correlated_groups_p_and_interval_are_dunnetts():
    generator = np.random.default_rng(1)
    control, *groups = generator.normal(size=(6, 8)) + np.linspace(0, 1.5, 6)[:, None]
    known = stats.dunnett(*groups, control=control, rng=np.random.default_rng(2))
    interval = known.confidence_interval()
    error = np.sqrt(np.mean([one.var(ddof=1) for one in (control, *groups)]) / 4)
    half = np.full((5, 5), 0.5) + np.eye(5) / 2
    found = compare_at_once(known.statistic * error, np.full(5, error), 42, half)
    assert found.p == pytest.approx(known.pvalue, abs=0.005)
    assert found.low == pytest.approx(interval.low, abs=0.02)


def test_variants_that_are_one_another_count_as_one():
    found = compare_at_once(np.full(9, 0.2), np.full(9, 0.1), 9, np.ones((9, 9)))
    assert found.critical == pytest.approx(stats.t.ppf(0.975, 9), rel=0.01)
    assert found.p == pytest.approx(2 * stats.t.sf(2, 9), rel=0.05)


def test_a_family_of_forty_is_stricter_and_resolves_a_tiny_p():
    differences = np.random.default_rng(0).normal(size=(40, 30))
    means = np.linspace(0, 20, 40)
    found = compare_at_once(means, np.ones(40), 29, correlation_of(differences))
    assert stats.t.isf(0.025, 29) < found.critical[0] <= stats.t.isf(0.025 / 40, 29)
    assert found.p[-1] == pytest.approx(40 * 2 * stats.t.sf(20, 29))
    assert (np.diff(found.p) <= 0).all()


def test_what_does_not_vary_has_no_p_and_makes_no_other_stricter():
    means, errors = np.array([0.3, 0.1, 0.0]), np.array([0.1, 0, 0])
    found = compare_at_once(means, errors, 9, np.eye(3))
    assert found.p[0] == pytest.approx(2 * stats.t.sf(3, 9))
    assert np.isnan(found.p[1:]).all()
    assert (found.low[1:] == means[1:]).all()
    assert (found.high[1:] == means[1:]).all()
    none = compare_at_once(means[1:], errors[1:], 9, np.eye(2))
    assert np.isnan(none.p).all()


def test_an_error_that_is_not_known_gives_no_interval():
    found = compare_at_once(np.array([0.3, 0.1]), np.array([0.1, np.nan]), 9, np.eye(2), **FEW)
    assert np.isnan([found.low[1], found.high[1], found.p[1]]).all()
    assert np.isfinite(found.p[0])


@given(
    st.lists(st.lists(st.floats(-3, 3), min_size=8, max_size=8), min_size=1, max_size=8),
    st.floats(0.5, 0.99),
)
@settings(max_examples=60, deadline=None)
def test_p_is_small_exactly_where_the_interval_leaves_out_0(differences, confidence):
    values = np.array(differences)
    errors = values.std(axis=1, ddof=1) / math.sqrt(8)
    errors[errors < 1e-9] = 0
    found = compare_at_once(
        values.mean(axis=1), errors, 7, correlation_of(values), confidence=confidence, draws=2_000
    )
    varies = errors > 0
    leaves_out = ((found.low > 0) | (found.high < 0))[varies]
    assert (leaves_out == (found.p < 1 - confidence)[varies]).all()


def test_in_one_of_twenty_families_alone_something_is_found_by_chance():
    generator, found = np.random.default_rng(3), 0
    for _ in range(400):
        shared, own = generator.normal(size=(1, 30)), generator.normal(size=(6, 30))
        values = shared + own
        errors = values.std(axis=1, ddof=1) / math.sqrt(30)
        family = compare_at_once(values.mean(axis=1), errors, 29, correlation_of(values), **FEW)
        found += (family.p < 0.05).any()
    assert 8 <= found <= 34  # 20 expected


def test_differences_on_different_folds_are_correlated_where_both_are_defined():
    values = np.random.default_rng(0).normal(size=(3, 10))
    values[1] = 2 * values[0]
    values[0, :3] = np.nan
    values[2, 1:] = np.nan
    found = correlation_of(values)
    assert found[0, 1] == pytest.approx(1)
    assert (found[2, :2] == 0).all()  # nothing is known
    assert (np.diag(found) == 1).all()


def test_the_detectable_difference_has_the_power_asked_for_by_the_noncentral_t():
    for power in (0.5, 0.8, 0.95):
        away = detectable_difference(0.02, 29, 2.7, power) / 0.02
        assert stats.nct.sf(2.7, 29, away) == pytest.approx(power, abs=1e-6)


def test_the_detectable_difference_is_found_four_times_in_five():
    generator, found = np.random.default_rng(4), 0
    error = math.sqrt(1 / 30 + 1 / 9)
    smallest = detectable_difference(error, 29, stats.t.ppf(0.975, 29))
    for _ in range(1000):
        shared = generator.normal() * math.sqrt(1 / 9)
        found += paired_comparison(
            smallest + shared + generator.normal(size=30), np.zeros(30), 90, 10
        ).p < 0.05  # fmt: skip
    assert 750 <= found <= 850
