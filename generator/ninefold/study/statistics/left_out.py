"""The score of the same predictions with each row left out: how much a score owes to single rows.

Nothing is fitted again. All are closed forms; tests hold each to the score computed anew.
"""

from collections.abc import Callable

import numpy as np

from ninefold.study.formulas import confusion_counts, f1_of_counts
from ninefold.study.metrics import score


def scores_without(
    metric: str, y: np.ndarray, found: np.ndarray, tested: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    """Return the score of all rows by `metric`, and the score without each of them in turn, (n,).

    y       (n,) class codes, or numbers
    found   (n, K), or (n,), as `metrics.score` takes them for the metric
    tested  (n,) the fold that tested each row: ROC AUC then counts only pairs of one fold, which
            the same model scored (Airola et al. 2011, *Computational Statistics & Data Analysis*
            55). None: all pairs

    NaN where a score is not defined. Raises KeyError for an own metric.
    """
    if metric == "roc_auc":
        return _auc(y, found, np.zeros(len(y), dtype=int) if tested is None else tested)
    classes = found.shape[1] if found.ndim == 2 else 0
    return score(metric, y, found, n_classes=classes), _WITHOUT[metric](y, found)


def influence_of(without: np.ndarray) -> np.ndarray:
    """Return each row's influence on a score from the scores without it, (n,); of mean 0 (the
    jackknife's; Efron 1982, chapter 2)."""
    return (len(without) - 1) * (without.mean() - without)


def _without_in_mean(losses: np.ndarray) -> np.ndarray:
    return (losses.sum() - losses) / (len(losses) - 1) if len(losses) > 1 else losses * np.nan


def _log_loss(y: np.ndarray, found: np.ndarray) -> np.ndarray:
    smallest = np.finfo(found.dtype).eps
    true = found[np.arange(len(y)), y]
    return _without_in_mean(-np.log(true.clip(smallest, 1 - smallest)))


def _brier(y: np.ndarray, found: np.ndarray) -> np.ndarray:
    squares = (found - (y[:, None] == np.arange(found.shape[1]))) ** 2
    return _without_in_mean(squares[:, 1] if found.shape[1] == 2 else squares.sum(axis=1))


def _accuracy(y: np.ndarray, found: np.ndarray) -> np.ndarray:
    return _without_in_mean((found.argmax(axis=1) == y).astype(float))


def _mae(y: np.ndarray, found: np.ndarray) -> np.ndarray:
    return _without_in_mean(np.abs(y - found))


def _rmse(y: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.sqrt(_without_in_mean((y - found) ** 2))


def _r2(y: np.ndarray, found: np.ndarray) -> np.ndarray:
    squares, n = (y - found) ** 2, len(y)
    apart = (y - y.mean()) ** 2
    about = apart.sum() - n / (n - 1) * apart  # the mean moves, too
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(about > 0, 1 - (squares.sum() - squares) / about, np.nan)


def _f1(y: np.ndarray, found: np.ndarray) -> np.ndarray:
    return _by_cell(f1_of_counts, y, found)


def _balanced_accuracy(y: np.ndarray, found: np.ndarray) -> np.ndarray:
    return _by_cell(_mean_recall, y, found)


def _mean_recall(counts: np.ndarray) -> float:
    """The mean recall of all classes; not defined where one has lost its only row."""
    rows = counts.sum(axis=1)
    return float(np.mean(counts.diagonal() / rows)) if rows.all() else np.nan


def _by_cell(
    formula: Callable[[np.ndarray], float], y: np.ndarray, found: np.ndarray
) -> np.ndarray:
    """Rows of one cell of the confusion matrix are alike."""
    labels, classes = found.argmax(axis=1), found.shape[1]
    counts = confusion_counts(y, labels, classes)
    cells = np.full(counts.shape, np.nan)
    for cell in zip(*np.nonzero(counts), strict=True):
        counts[cell] -= 1
        cells[cell] = formula(counts)
        counts[cell] += 1
    return cells[y, labels]


def _auc(y: np.ndarray, found: np.ndarray, tested: np.ndarray) -> tuple[float, np.ndarray]:
    pairs = [_pairs(y == code, found[:, code], tested) for code in looked_at(found.shape[1])]
    with np.errstate(invalid="ignore"):
        whole = [won.sum() / met.sum() for won, met in pairs]
        without = [(won.sum() / 2 - won) / (met.sum() / 2 - met) for won, met in pairs]
    return float(np.mean(whole)), np.mean(without, axis=0)


def looked_at(n_classes: int) -> list[int]:
    """Return the codes whose ranking is scored: of two classes code 1's alone."""
    return [1] if n_classes == 2 else list(range(n_classes))


def _pairs(
    positive: np.ndarray, found: np.ndarray, tested: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return of each row the pairs with rows of the other class in its fold that are in order, of
    ties half (DeLong, DeLong & Clarke-Pearson 1988), and how many pairs there are; (n,) each."""
    won, met = np.zeros(len(found)), np.zeros(len(found))
    for fold in np.unique(tested):
        here = tested == fold
        for side, sign in ((positive, 1), (~positive, -1)):
            own, others = here & side, np.sort(sign * found[here & ~side])
            below = np.searchsorted(others, sign * found[own], "left")
            won[own] = (below + np.searchsorted(others, sign * found[own], "right")) / 2
            met[own] = len(others)
    return won, met


def _macro_average_precision(y: np.ndarray, found: np.ndarray) -> np.ndarray:
    codes = looked_at(found.shape[1])
    return np.mean([_average_precision(y == code, found[:, code]) for code in codes], axis=0)


def _average_precision(positive: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Without a row, all positives at or below it lose it from their denominator, and from their
    numerator, too, where it is positive itself."""
    n, rows = len(found), int(positive.sum())
    if rows in (0, n):
        return np.full(n, np.nan)
    ranked = np.sort(-found)
    hits = np.sort(-found[positive])  # of each positive, from the top
    above = np.searchsorted(ranked, hits, "right")  # rows at or above it, itself included
    right = np.searchsorted(hits, hits, "right")  # positives among them
    kept = np.append(0, np.cumsum(right / above))
    fewer = _tail(right / np.maximum(above - 1, 1))
    lower = _tail((right - 1) / np.maximum(above - 1, 1))
    first = np.searchsorted(hits, -found, "left")  # the first positive at or below each row
    own = np.searchsorted(ranked, -found, "right")
    own_right = np.searchsorted(hits, -found, "right")
    # a positive row is itself among those at or below it
    itself = np.where(positive, (own_right - 1) / np.maximum(own - 1, 1), 0)
    total = kept[first] + np.where(positive, lower[first] - itself, fewer[first])
    left = np.where(positive, rows - 1, rows)
    both = (left > 0) & (left < n - 1)  # classes remain
    return np.where(both, total / np.maximum(left, 1), np.nan)


def _tail(values: np.ndarray) -> np.ndarray:
    """Return the sum from each place on, and 0 at the end."""
    return np.append(np.cumsum(values[::-1])[::-1], 0)


_WITHOUT: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "average_precision": _macro_average_precision,
    "log_loss": _log_loss,
    "brier": _brier,
    "mae": _mae,
    "rmse": _rmse,
    "r2": _r2,
}
