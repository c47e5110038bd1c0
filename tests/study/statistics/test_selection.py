import numpy as np
import pytest
from scipy import stats

from ninefold.study.statistics.folds import paired_comparison
from ninefold.study.statistics.selection import of_the_best

ONE = paired_comparison(np.linspace(0, 0.3, 30), np.linspace(0.06, 0, 30), 90, 10)


@pytest.mark.parametrize("candidates", [1, 2, 10, 40])
def test_interval_and_p_of_the_best_of_many_agree(candidates):
    found = of_the_best(ONE, candidates)
    assert (found.p < 0.05) == (found.difference.low > 0)
    assert found.p >= ONE.p
    assert found.difference.mean == ONE.difference.mean


def test_the_best_of_ten_independent_candidates_errs_in_one_family_of_twenty():
    each = of_the_best(ONE, 10)
    reach = (each.difference.high - each.difference.mean) / each.difference.standard_error
    assert (1 - 2 * stats.t.sf(reach, 29)) ** 10 == pytest.approx(0.95)


def test_a_difference_that_does_not_vary_stays_as_it_is():
    same = paired_comparison([0.5] * 10, [0.5] * 10, 90, 10)
    assert of_the_best(same, 10) is same
