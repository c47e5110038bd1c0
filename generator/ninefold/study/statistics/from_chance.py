"""Whether out-of-fold rows are scored better than a guess would score them."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from ninefold.study.statistics.chance import expected_average_precision
from ninefold.study.statistics.few_rows import Rows, RowScore, row_interval
from ninefold.study.statistics.folds import Interval
from ninefold.study.statistics.left_out import looked_at


def interval_from_chance(score: RowScore, rows: Rows, metric: str) -> Interval:
    """Return the difference of a score from that of guessing, with an interval that leaves out 0
    where a guess would hardly score so: `row_interval`'s, or that of a larger standard error.

    ROC AUC: Mann & Whitney's (1947). Balanced accuracy: that of each class's recall, with two rows
    more found and two more missed (Agresti & Coull 1998), never 0. Average precision: the binomial
    one of so many trials as the class has rows, which is one and a half to two and a half times the
    true one, in any case but of groups; by the influences of the rows nearly every signal would be
    missed: a few rows far up carry it, so that it varies most where it is high.
    """
    by_rows = row_interval(score, rows.y, rows.groups)
    error, freedom = _CHANCE[metric](rows) if metric in _CHANCE else (0.0, 1)
    exempt = metric == "average_precision" and rows.groups is None
    if not np.isfinite(error) or (by_rows.standard_error >= error and not exempt):
        return by_rows
    reach = float(stats.t.ppf(0.975, freedom)) * error
    return Interval(score.value, score.value - reach, score.value + reach, error, freedom)


def _auc_error(rows: Rows) -> tuple[float, int]:
    own, n = _rows_of_each(rows), len(rows.y)
    return _error_of_mean((n + 1) / (12 * own * (n - own))), n - 1


def _precision_error(rows: Rows) -> tuple[float, int]:
    own, n = _rows_of_each(rows), len(rows.y)
    expected = np.array([expected_average_precision(n, int(np.nan_to_num(k))) for k in own])
    return _error_of_mean(expected * (1 - expected) / own), n - 1


def _recall_error(rows: Rows) -> tuple[float, int]:
    """Degrees of freedom as Welch and Satterthwaite combine those of the classes."""
    right = np.mean(rows.found.argmax(axis=2) == rows.y, axis=0)
    own, found = np.bincount(rows.y), np.bincount(rows.y, weights=right)
    own, found = own[own > 0], found[own > 0]
    recall = (found + 2) / (own + 4)
    variances = recall * (1 - recall) / (own + 4)
    free = np.sum(variances) ** 2 / np.sum(variances**2 / np.maximum(own - 1, 1))
    return _error_of_mean(variances), max(1, int(free))


def _rows_of_each(rows: Rows) -> np.ndarray:
    """Return how many rows the classes have that are ranked, NaN for none or all of them."""
    own = np.array([np.sum(rows.y == code) for code in looked_at(rows.found.shape[2])], dtype=float)
    return np.where((own > 0) & (own < len(rows.y)), own, np.nan)


def _error_of_mean(variances: np.ndarray) -> float:
    return float(np.sqrt(np.sum(variances))) / len(variances)


_CHANCE: dict[str, Callable[[Rows], tuple[float, int]]] = {
    "roc_auc": _auc_error,
    "average_precision": _precision_error,
    "balanced_accuracy": _recall_error,
}
