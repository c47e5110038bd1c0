import numpy as np
import pytest

from ninefold.study.statistics.correlation import correlation_of_neighbours, intraclass_correlation


def grouped(icc: float, number: int = 200, size: int = 10, seed: int = 1):
    generator = np.random.default_rng(seed)
    groups = np.repeat(np.arange(number), size)
    shared = np.sqrt(icc) * generator.normal(size=number)[groups]
    return shared + np.sqrt(1 - icc) * generator.normal(size=number * size), groups


@pytest.mark.parametrize("icc", [0, 0.3, 0.7])
def test_the_intraclass_correlation_is_that_of_the_rows_of_a_group(icc):
    values, groups = grouped(icc)
    found = intraclass_correlation(values[:, None], groups)
    assert found.correlation == pytest.approx(icc, abs=0.08)
    assert (found.p < 1e-4) == (icc > 0)


def test_the_f_test_is_scikit_learns():
    from sklearn.feature_selection import f_classif

    values, groups = grouped(0.1, 12, 5)
    p = f_classif(values[:, None], groups)[1][0]
    assert intraclass_correlation(values[:, None], groups).p == pytest.approx(p)


def test_a_target_that_is_constant_within_groups_has_a_correlation_of_1():
    groups = np.repeat(np.arange(20), 4)
    found = intraclass_correlation((groups % 2 == 0).astype(float)[:, None], groups)
    assert (found.correlation, found.p) == (pytest.approx(1), 0)


def test_a_constant_target_is_not_alike_within_groups_beyond_chance():
    groups = np.repeat(np.arange(20), 4)
    assert intraclass_correlation(np.ones((80, 1)), groups).p == 1
    assert correlation_of_neighbours(np.ones((80, 1))).correlation == 0


def test_neighbours_are_as_alike_as_the_series_says():
    generator = np.random.default_rng(1)
    values = np.zeros(2000)
    for row in range(1, 2000):
        values[row] = 0.8 * values[row - 1] + generator.normal()
    found = correlation_of_neighbours(values[:, None])
    assert found.correlation == pytest.approx(0.8, abs=0.05)
    assert found.p < 1e-10
    assert correlation_of_neighbours(generator.permutation(values)[:, None]).p > 0.001


def test_chance_alone_raises_five_alarms_in_a_hundred_at_5_percent():
    generator = np.random.default_rng(2)
    p = [correlation_of_neighbours(np.eye(3)[generator.integers(3, size=200)]).p
         for _ in range(500)]  # fmt: skip
    assert np.mean(np.array(p) < 0.05) < 0.08


def test_pairs_that_do_not_count_are_left_out():
    values, groups = grouped(0.9, 50, 10)
    assert correlation_of_neighbours(values[:, None]).correlation > 0.7
    found = correlation_of_neighbours(values[:, None], np.diff(groups) != 0)
    assert abs(found.correlation) < 0.5
    assert found.p > 0.001
