"""Every formula gives scikit-learn's number to 1e-12, however few the rows and many the ties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from ninefold.study.formulas import FORMULAS, confusion_counts
from ninefold.study.metrics import METRICS, metrics_for

TIGHT = {"rel": 1e-12, "abs": 1e-12, "nan_ok": True}


def of_scikit_learn(name: str, y: np.ndarray, p: np.ndarray) -> float:
    """scikit-learn's score, NaN where ninefold says that there is none."""
    classes = p.shape[1]
    labels, every, one_hot = p.argmax(axis=1), list(range(classes)), np.eye(classes)[y]
    all_there = len(np.unique(y)) == classes
    two = classes == 2
    table = {
        "accuracy": lambda: sk.accuracy_score(y, labels),
        "balanced_accuracy": lambda: sk.recall_score(
            y, labels, labels=np.unique(y), average="macro"
        ),
        "f1": lambda: sk.f1_score(
            y, labels, labels=every, average="binary" if two else "macro", zero_division=np.nan
        ),
        "roc_auc": lambda: sk.roc_auc_score(
            y if two else one_hot, p[:, 1] if two else p, average="macro"
        ),
        "average_precision": lambda: sk.average_precision_score(
            y if two else one_hot, p[:, 1] if two else p, average="macro"
        ),
        "log_loss": lambda: sk.log_loss(y, p, labels=every),
        "brier": lambda: sk.brier_score_loss(
            y, p[:, 1] if two else p, labels=every, scale_by_half=two
        ),
    }
    ranks = name in ("roc_auc", "average_precision")
    return table[name]() if all_there or not ranks else np.nan


@st.composite
def classified(draw) -> tuple[np.ndarray, np.ndarray]:
    """Class codes and probabilities in tenths, so that they tie, some of them 0 and 1."""
    classes, rows = draw(st.integers(2, 5)), draw(st.integers(1, 30))
    y = draw(st.lists(st.integers(0, classes - 1), min_size=rows, max_size=rows))
    parts = st.lists(st.integers(0, 10), min_size=classes, max_size=classes).filter(any)
    told = np.array(draw(st.lists(parts, min_size=rows, max_size=rows)), dtype=float)
    return np.array(y), told / told.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", metrics_for("binary"))
@settings(max_examples=60, deadline=None)
@given(classified())
def test_a_classification_is_scored_as_scikit_learn_scores_it(name, rows):
    y, p = rows
    expected = of_scikit_learn(name, y, p)
    assert FORMULAS[name](y, p) == pytest.approx(expected, **TIGHT)


numbers = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("rmse", sk.root_mean_squared_error),
        ("mae", sk.mean_absolute_error),
        ("r2", sk.r2_score),
    ],
)
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=30))
def test_numbers_are_scored_as_scikit_learn_scores_them(name, oracle, pairs):
    y, told = np.array(pairs).T
    expected = np.nan if name == "r2" and np.ptp(y) == 0 else oracle(y, told)
    assert FORMULAS[name](y, told) == pytest.approx(expected, **TIGHT)


@given(classified())
def test_confusion_is_counted_as_scikit_learn_counts_it(rows):
    y, p = rows
    labels, every = p.argmax(axis=1), list(range(p.shape[1]))
    expected = sk.confusion_matrix(y, labels, labels=every)
    np.testing.assert_array_equal(confusion_counts(y, labels, p.shape[1]), expected)


def test_each_metric_has_its_formula():
    assert FORMULAS.keys() == METRICS.keys()
