"""Scores of weighted rows: a row that counts twice is a row that stands there twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.errors import NinefoldError
from ninefold.study.metrics import METRICS, score
from ninefold.study.statistics.weighted import weighted_scores


def rows_of(metric, n, n_classes, generator):
    """Return y and the answers of two sets, with ties among what ranks the rows."""
    if METRICS[metric].takes == "numbers":
        return generator.normal(size=n).round(1), generator.normal(size=(2, n)).round(1)
    y = generator.integers(n_classes, size=n)
    return y, generator.multinomial(9, np.ones(n_classes) / n_classes, size=(2, n)) / 9


@settings(deadline=None, max_examples=60)
@given(
    metric=st.sampled_from(sorted(METRICS)),
    n=st.integers(2, 25),
    n_classes=st.integers(2, 4),
    seed=st.integers(0, 10**6),
)
def test_a_row_of_weight_two_counts_as_two_rows(metric, n, n_classes, seed):
    generator = np.random.default_rng(seed)
    y, answers = rows_of(metric, n, n_classes, generator)
    weights = generator.integers(0, 3, size=(5, n))
    weights[0], weights[weights.sum(axis=1) == 0] = 1, 1
    found = weighted_scores(metric, y, answers, weights)
    assert found.shape == (5, 2)
    for draw, times in zip(found, weights, strict=True):
        rows = np.repeat(np.arange(n), times)
        expected = [score(metric, y[rows], answer[rows], n_classes=n_classes) for answer in answers]
        np.testing.assert_allclose(draw, expected, rtol=1e-9, atol=1e-12)


def test_draws_beyond_what_fits_at_once_are_taken_in_parts(monkeypatch):
    generator = np.random.default_rng(1)
    y, answers = rows_of("roc_auc", 20, 2, generator)
    weights = generator.integers(0, 3, size=(50, 20))
    whole = weighted_scores("roc_auc", y, answers, weights)
    monkeypatch.setattr("ninefold.study.statistics.weighted._MOST_NUMBERS", 60)
    np.testing.assert_array_equal(weighted_scores("roc_auc", y, answers, weights), whole)


def test_a_metric_of_ones_own_is_a_line():
    with pytest.raises(NinefoldError, match="'cost' cannot be computed from weighted rows"):
        weighted_scores("cost", np.zeros(2), np.zeros((1, 2)), np.ones((1, 2)))
