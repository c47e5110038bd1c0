import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ninefold.study.metrics import score
from ninefold.study.statistics.proportions import (
    balanced_accuracy_interval,
    combine,
    f1_interval,
    wilson,
)
from ninefold.study.statistics.sampled import SampledInterval


@given(st.integers(1, 500), st.data())
def test_wilson_is_scipys(n, data):
    successes = data.draw(st.integers(0, n))
    known = stats.binomtest(successes, n).proportion_ci(method="wilson")
    found = wilson(successes, n)
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-9)
    assert 0 <= found.low <= found.score <= found.high <= 1
    assert found.low < found.high


def test_mover_of_two_normal_means_is_the_normal_interval():
    parts = [SampledInterval(0.5, 0.4, 0.6, ""), SampledInterval(0.6, 0.4, 0.8, "")]
    found = combine(parts, "both")
    reach = math.hypot(0.1, 0.2) / 2
    assert (found.score, found.low, found.high) == pytest.approx((0.55, 0.55 - reach, 0.55 + reach))
    together = combine(parts, "both", np.ones((2, 2)))
    assert (together.low, together.high) == pytest.approx((0.4, 0.7))


def test_balanced_accuracy_is_as_sure_as_the_rarer_class():
    y = np.repeat([0, 1], [94, 6])
    found = balanced_accuracy_interval(y, y)
    assert (found.score, found.high) == (1, 1)
    assert found.low == pytest.approx(
        1 - math.hypot(1 - wilson(6, 6).low, 1 - wilson(94, 94).low) / 2
    )


def test_f1_is_carried_over_from_the_jaccard_index():
    y, labels = np.array([1, 1, 1, 0, 0]), np.array([1, 1, 0, 1, 0])
    found = f1_interval(y, labels, 2)
    share = wilson(2, 4)
    assert found.score == pytest.approx(score("f1", y, np.eye(2)[labels], n_classes=2))
    assert (found.low, found.high) == pytest.approx(
        tuple(2 * j / (1 + j) for j in (share.low, share.high))
    )


def test_two_errors_in_two_classes_make_macro_f1_less_sure_than_independent_ones():
    generator = np.random.default_rng(1)
    y = np.arange(90) % 3
    labels = np.where(generator.random(90) < 0.3, (y + 1) % 3, y)
    found = f1_interval(y, labels, 3)
    alone = [f1_interval(y == code, 1 * (labels == code), 2) for code in range(3)]
    assert found.score == pytest.approx(score("f1", y, np.eye(3)[labels], n_classes=3))
    assert found.low < combine(alone, "").low


def test_the_quantile_is_that_of_95_percent():
    assert wilson(1, 2).high == pytest.approx(
        0.5 + NormalDist().inv_cdf(0.975) / 2 / math.sqrt(2 + NormalDist().inv_cdf(0.975) ** 2)
    )
