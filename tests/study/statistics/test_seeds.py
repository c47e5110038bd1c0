"""Several seeds in each fold tell what the seed does to a score from what training rows do."""

import math

import numpy as np
import pytest

from ninefold.study.statistics.folds import corrected_interval, paired_comparison
from ninefold.study.statistics.seeds import corrected_standard_error, defined_in_both, pair_seeds

GENERATOR = np.random.default_rng(0)
BOTH = 0.5 * GENERATOR.normal(size=(2, 12)) + GENERATOR.normal(size=12)
NB = math.sqrt(1 / 12 + 10 / 110)


def test_of_one_seed_it_is_the_standard_error_of_nadeau_and_bengio():
    one = BOTH[0]
    assert corrected_standard_error(one, 110, 10) == pytest.approx(one.std(ddof=1) * NB)
    assert corrected_standard_error(BOTH[:1], 110, 10) == pytest.approx(one.std(ddof=1) * NB)


def test_the_variance_of_seeds_is_not_taken_as_shared_between_folds():
    means = BOTH.mean(axis=0)
    of_seeds = np.mean((BOTH[0] - BOTH[1]) ** 2) / 2
    spread = means.var(ddof=1)
    expected = spread / 12 + 10 / 110 * (spread - of_seeds / 2)
    assert corrected_standard_error(BOTH, 110, 10) == pytest.approx(math.sqrt(expected))


def test_where_seeds_vary_more_than_folds_a_fifth_counts_as_shared():
    opposed = np.array([[1.0, -1, 1, -1], [-1, 1.1, -1, 1]])
    spread = opposed.mean(axis=0).var(ddof=1)
    found = corrected_standard_error(opposed, 90, 30)
    assert found == pytest.approx(math.sqrt(spread * (1 / 4 + 1 / 3 / 5)))


def test_scores_are_paired_seed_by_seed():
    one = BOTH[:1] + 1
    np.testing.assert_array_equal(pair_seeds(BOTH, BOTH[::-1]), BOTH - BOTH[::-1])
    np.testing.assert_array_equal(pair_seeds(one, BOTH), one - BOTH)
    three = np.concatenate([BOTH, one])
    assert pair_seeds(three, BOTH) == pytest.approx((three.mean(0) - BOTH.mean(0))[None])


def test_a_fold_counts_where_all_seeds_of_both_have_a_score():
    gap = BOTH.copy()
    gap[1, 3] = np.nan
    a, b = defined_in_both(gap, BOTH[:1])
    assert a.shape == (2, 11)
    assert b.shape == (1, 11)


def test_the_interval_of_several_seeds_is_about_their_mean():
    found = corrected_interval(BOTH, 110, 10)
    assert found.mean == pytest.approx(BOTH.mean())
    assert (found.standard_error, found.freedom) == (corrected_standard_error(BOTH, 110, 10), 11)
    same = paired_comparison(BOTH, BOTH, 110, 10)
    assert same.remark == "identical on all folds"
