import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.study.metrics import metrics_for, score
from ninefold.study.statistics.left_out import scores_without

COARSE = st.integers(0, 4)  # so that many rows tie


@st.composite
def predictions(draw, rows=12):
    """Class codes with two rows of each class at least, and rows of probability."""
    classes = draw(st.integers(2, 3))
    codes = st.integers(0, classes - 1)
    y = [*range(classes), *range(classes), *draw(st.lists(codes, max_size=rows))]
    numbers = st.lists(COARSE, min_size=classes, max_size=classes)
    weights = 1 + np.array(draw(st.lists(numbers, min_size=len(y), max_size=len(y))), dtype=float)
    return np.array(y), weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", metrics_for("binary"))
@given(given=predictions())
@settings(max_examples=30, deadline=None)
def test_the_score_without_each_row_is_that_of_the_other_rows(name, given):
    y, found = given
    classes = found.shape[1]
    whole, without = scores_without(name, y, found)
    expected = [
        score(name, np.delete(y, row), np.delete(found, row, axis=0), n_classes=classes)
        for row in range(len(y))
    ]
    assert whole == pytest.approx(score(name, y, found, n_classes=classes), nan_ok=True)
    assert without == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_auc_counts_only_pairs_of_rows_that_one_model_scored():
    y, tested = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    found = np.column_stack([np.zeros(4), [0.1, 0.2, 0.8, 0.9]])  # each fold in order
    assert scores_without("roc_auc", y, found, tested)[0] == 1
    assert scores_without("roc_auc", y, found)[0] == 0.75


def test_a_fold_without_a_class_has_no_pairs_and_takes_nothing_away():
    generator = np.random.default_rng(1)
    y, found = np.array([0, 1] * 5), generator.random((10, 2))
    more = np.append(y, [0, 0]), np.vstack([found, generator.random((2, 2))])
    tested = np.repeat([0, 1], [10, 2])
    assert scores_without("roc_auc", *more, tested)[0] == scores_without("roc_auc", y, found)[0]


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "balanced_accuracy"])
@pytest.mark.parametrize("y", [[0, 0, 0, 1], [1, 1, 1, 0], [0, 1, 2, 0, 1]])
def test_without_its_only_row_a_class_has_no_score(name, y):
    classes = max(y) + 1
    found = np.random.default_rng(1).dirichlet(np.ones(classes), len(y))
    only = [row for row, code in enumerate(y) if y.count(code) == 1]
    whole, without = scores_without(name, np.array(y), found)
    assert np.isfinite(whole)
    assert np.flatnonzero(np.isnan(without)).tolist() == only
    if name != "balanced_accuracy":  # whose score leaves out a class that has no rows
        anew = [
            score(name, np.delete(y, row), np.delete(found, row, axis=0), n_classes=classes)
            for row in range(len(y))
        ]
        assert without == pytest.approx(anew, nan_ok=True)
