"""Scores of rows that count several times each, as in a bootstrap: many draws at once.

Where every row counts once they are the scores of `metrics.score` (tests hold them together). A
draw is a row of `weights`: how often each row is in it.
"""

from collections.abc import Callable

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.study.metrics import METRICS

_MOST_NUMBERS = 2**22  # in an array of intermediate results: more draws are taken in parts


def weighted_scores(
    metric: str, y: np.ndarray, answers: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return the score of each set of answers in each draw, (draws, sets); NaN where it is not
    defined, as where a class that it needs is not drawn.

    y        (n,) class codes, or numbers
    answers  (sets, n, K) of a classification, (sets, n) of a regression, as `metrics.score` takes
             them; finite, probabilities within 0 … 1
    weights  (draws, n) whole numbers from 0

    Raises NinefoldError for a metric of the user's own: it cannot be weighted.
    """
    if metric not in _FORMULAS:
        raise NinefoldError(
            f"the metric '{metric}' cannot be computed from weighted rows",
            f"expected one of {', '.join(_FORMULAS)}",
        )
    weights = np.asarray(weights, dtype=float)
    step = max(1, _MOST_NUMBERS // max(len(y), 1))
    parts = [weights[start : start + step] for start in range(0, len(weights), step)]
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0: the score is not defined
        found = [_FORMULAS[metric](y, answers, part) for part in parts]
    return np.concatenate(found) if found else np.empty((0, len(answers)))


def row_losses(metric: str, y: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return what each row adds to a score that is a mean over rows: of log loss −ln of the true
    class's probability; of RMSE and R² its squared error; of accuracy whether it is right.

    answers  of one set, or of several, as `weighted_scores` takes them. Returns (n,), or (sets, n)
    """
    if METRICS[metric].takes == "numbers":
        errors = answers - y
        return np.abs(errors) if metric == "mae" else errors**2
    if metric == "accuracy":
        return (answers.argmax(axis=-1) == y).astype(float)
    answers = answers.clip(0, 1)
    answers = answers / answers.sum(axis=-1, keepdims=True)
    if metric == "log_loss":
        true, smallest = answers[..., np.arange(len(y)), y], np.finfo(float).eps
        return -np.log(true.clip(smallest, 1 - smallest))
    squares = (answers - (y[:, None] == np.arange(answers.shape[-1]))) ** 2
    return squares[..., 1] if answers.shape[-1] == 2 else squares.sum(axis=-1)


def _mean(metric: str) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    def scores(y: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> np.ndarray:
        total = weights.sum(axis=1, keepdims=True)
        return weights @ row_losses(metric, y, answers).T / total

    return scores


def _rmse(y: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.sqrt(_mean("rmse")(y, answers, weights))


def _r2(y: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = weights.sum(axis=1, keepdims=True)
    centred = y - y.mean()
    squares = (weights @ centred**2)[:, None] - (weights @ centred)[:, None] ** 2 / total
    squares[squares <= 1e-12 * centred.var() * total] = np.nan  # no variance
    return 1 - weights @ row_losses("r2", y, answers).T / squares


def _balanced_accuracy(y: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    right = row_losses("accuracy", y, answers).T
    recalls = []
    for code in np.unique(y):
        rows = y == code
        recalls.append(weights[:, rows] @ right[rows] / weights[:, rows].sum(axis=1, keepdims=True))
    return _mean_where_defined(recalls)


def _f1(y: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    labels, n_classes = answers.argmax(axis=-1).T, answers.shape[-1]
    of_each = []
    for code in [1] if n_classes == 2 else range(n_classes):
        told, true = labels == code, (y == code)[:, None]
        either = weights @ (told.astype(float) + true)
        of_each.append(2 * (weights @ (told & true)) / either)
    return _mean_where_defined(of_each)


def _mean_where_defined(parts: list[np.ndarray]) -> np.ndarray:
    """The mean over classes, of those that the draw has."""
    stacked = np.stack(parts)
    defined = np.isfinite(stacked)
    return np.where(defined, stacked, 0).sum(axis=0) / defined.sum(axis=0)


def _ranking(
    of_class: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Apply a score of one class against the rest to each set: to code 1, of more than two classes
    to each of them, of which the mean is taken."""

    def scores(y: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> np.ndarray:
        n_classes = answers.shape[-1]
        codes = [1] if n_classes == 2 else range(n_classes)
        found = [
            [of_class(y == code, answer[:, code], weights) for code in codes] for answer in answers
        ]
        return np.mean(found, axis=1).T  # NaN where a class is not drawn

    return scores


def _by_rank(
    is_it: np.ndarray, ranks: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weight of a class and of the rest at each distinct rank, the highest first,
    (draws, ranks) both."""
    order = np.argsort(-ranks, kind="stable")
    starts = np.flatnonzero(np.diff(-ranks[order], prepend=-np.inf))
    sorted_weights = weights[:, order]
    both = np.add.reduceat(sorted_weights, starts, axis=1)
    of_it = np.add.reduceat(sorted_weights * is_it[order], starts, axis=1)
    return of_it, both - of_it


def _roc_auc(is_it: np.ndarray, ranks: np.ndarray, weights: np.ndarray) -> np.ndarray:
    of_it, others = _by_rank(is_it, ranks, weights)
    below = others.sum(axis=1, keepdims=True) - others.cumsum(axis=1)
    pairs = of_it.sum(axis=1) * others.sum(axis=1)
    return (of_it * (below + others / 2)).sum(axis=1) / pairs


def _average_precision(is_it: np.ndarray, ranks: np.ndarray, weights: np.ndarray) -> np.ndarray:
    of_it, others = _by_rank(is_it, ranks, weights)
    told = of_it.cumsum(axis=1)
    among = told + others.cumsum(axis=1)
    precision = np.divide(told, among, out=np.zeros_like(told), where=among > 0)
    found = (of_it * precision).sum(axis=1) / of_it.sum(axis=1)
    return np.where(others.sum(axis=1) > 0, found, np.nan)


_FORMULAS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    **{metric: _mean(metric) for metric in ("accuracy", "log_loss", "brier", "mae")},
    "rmse": _rmse,
    "r2": _r2,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
    "roc_auc": _ranking(_roc_auc),
    "average_precision": _ranking(_average_precision),
}
