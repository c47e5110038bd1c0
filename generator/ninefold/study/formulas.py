"""The formulas of the metrics, in NumPy: scikit-learn's numbers without its checks of each call.

Thirty folds by seven metrics cost scikit-learn 0.2 s, nearly all of it in those checks, and a
bootstrap makes thousands of calls. Tests hold every formula to scikit-learn's number, to 1e-12.
The arguments are those of `metrics.score`, checked; NaN where a metric is not defined.
"""

from collections.abc import Callable
from typing import Any

import numpy as np


def _ranks(values: np.ndarray, **options: Any) -> np.ndarray:
    from scipy.stats import rankdata  # a second, which who only asks for a metric's name has not

    return rankdata(values, **options)


def accuracy(y: np.ndarray, found: np.ndarray) -> float:
    return np.mean(found.argmax(axis=1) == y)


def balanced_accuracy(y: np.ndarray, found: np.ndarray) -> float:
    """Return the mean recall of the classes in `y`."""
    counts = confusion_counts(y, found.argmax(axis=1), found.shape[1])
    rows = counts.sum(axis=1)
    return np.mean(counts.diagonal()[rows > 0] / rows[rows > 0])


def f1(y: np.ndarray, found: np.ndarray) -> float:
    return f1_of_counts(confusion_counts(y, found.argmax(axis=1), found.shape[1]))


def confusion_counts(y: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Count rows: (n_classes, n_classes), a row for each actual class, a column for each
    predicted one."""
    places = y * n_classes + labels
    return np.bincount(places, minlength=n_classes**2).reshape(n_classes, n_classes)


def f1_of_counts(counts: np.ndarray) -> float:
    """Return F1 of code 1 for two classes; for more, the mean of those true or predicted."""
    right = counts.diagonal()
    either = counts.sum(axis=0) + counts.sum(axis=1)
    if len(counts) == 2:
        return 2 * right[1] / either[1] if either[1] else np.nan
    return np.mean(2 * right[either > 0] / either[either > 0])


def roc_auc(y: np.ndarray, found: np.ndarray) -> float:
    """Return the share of pairs, a row of a class and one of another, that are in order; half of
    those that tie (Mann & Whitney 1947)."""
    if _lacks_a_class(y, found):
        return np.nan
    one_hot, found = _each_class(y, found)
    rows, ranks = one_hot.sum(axis=0), _ranks(found, axis=0)
    above = (ranks * one_hot).sum(axis=0) - rows * (rows + 1) / 2
    return np.mean(above / (rows * (len(y) - rows)))


def average_precision(y: np.ndarray, found: np.ndarray) -> float:
    """Return the mean, over the rows of a class, of the precision among all rows that are held
    to be of it as probably, or more so."""
    if _lacks_a_class(y, found):
        return np.nan
    one_hot, found = _each_class(y, found)
    places = _ranks(-found, method="max", axis=0)
    means = []
    for rows, place in zip(one_hot.T, places.T, strict=True):
        means.append(np.mean(_ranks(place[rows], method="max") / place[rows]))
    return np.mean(means)


def _lacks_a_class(y: np.ndarray, found: np.ndarray) -> bool:
    return not np.bincount(y, minlength=found.shape[1]).all()


def _each_class(y: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each class against the rest, (n, K); of two classes only code 1's, (n, 1)."""
    one_hot = y[:, None] == np.arange(found.shape[1])
    return (one_hot[:, 1:], found[:, 1:]) if found.shape[1] == 2 else (one_hot, found)


def log_loss(y: np.ndarray, found: np.ndarray) -> float:
    """Return the mean of −ln of the true class's probability, kept from 0 as scikit-learn does."""
    smallest = np.finfo(found.dtype).eps
    return -np.log(found[np.arange(len(y)), y].clip(smallest, 1 - smallest)).mean()


def brier(y: np.ndarray, found: np.ndarray) -> float:
    squares = (found - (y[:, None] == np.arange(found.shape[1]))) ** 2
    return squares[:, 1].mean() if found.shape[1] == 2 else squares.sum(axis=1).mean()


def rmse(y: np.ndarray, found: np.ndarray) -> float:
    return np.sqrt(np.mean((y - found) ** 2))


def mae(y: np.ndarray, found: np.ndarray) -> float:
    return np.mean(np.abs(y - found))


def r2(y: np.ndarray, found: np.ndarray) -> float:
    squares = np.sum((y - y.mean()) ** 2)
    if np.ptp(y) == 0 or squares < 1e-200:  # R² is not defined where the target does not vary
        return np.nan
    return 1 - np.sum((y - found) ** 2) / squares


FORMULAS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    formula.__name__: formula
    for formula in (
        accuracy, balanced_accuracy, f1, roc_auc, average_precision, log_loss, brier, rmse, mae, r2,
    )
}  # fmt: skip
