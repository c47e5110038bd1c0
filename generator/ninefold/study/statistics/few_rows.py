"""Scores of out-of-fold rows where test folds hold few rows of a class: intervals from the rows.

Folds are stratified, so each holds as many rows of a class as the next: how their scores differ
says nothing of how many rows of it another sample would hold, and of one or two rows it says
little else. The rows themselves do. Of each row the mean over the repeats counts once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from ninefold.study.statistics.chance import (
    chance_score,
    chance_without,
)
from ninefold.study.statistics.folds import Interval
from ninefold.study.statistics.left_out import influence_of, looked_at, scores_without
from ninefold.study.statistics.proportions import combine, f1_of, wilson
from ninefold.study.statistics.ranks import newcombe
from ninefold.study.statistics.sampled import SampledInterval

FEW = 10  # rows of a class in a test fold, below which rows are looked at instead of folds


@dataclass(frozen=True, eq=False)
class Rows:
    """Out-of-fold predictions, row by row.

    y       (n,) class codes
    found   (repeats, n, K) as `metrics.score` takes them for the metric
    tested  (repeats, n) the fold that tested each row
    naive   (repeats, n) whether the naive model stands in for one that diverged, in `found` too
    groups  (n,) ids of rows that are not independent; None: all are
    """

    y: np.ndarray
    found: np.ndarray
    tested: np.ndarray
    naive: np.ndarray
    groups: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class RowScore:
    """A score and how much each row has to do with it.

    value      the mean over the repeats, each scored once on all its rows
    influence  (n,) of each row on the score (the jackknife's; Efron 1982, chapter 2), of mean 0
    """

    value: float
    influence: np.ndarray


def row_score(metric: str, rows: Rows) -> RowScore:
    """Score the rows of each repeat together; the influences are NaN where a class has one row."""
    scored = [
        _of_repeat(metric, rows.y, found, tested, naive)
        for found, tested, naive in zip(rows.found, rows.tested, rows.naive, strict=True)
    ]
    influence = np.mean([one.influence for one in scored], axis=0)
    return RowScore(float(np.mean([one.value for one in scored])), influence)


def _of_repeat(
    metric: str, y: np.ndarray, found: np.ndarray, tested: np.ndarray, naive: np.ndarray
) -> RowScore:
    """Where guessing stands in, its expected score counts as much as it has rows."""
    chance = chance_without(metric, y, found.shape[1]) if naive.any() else None
    if chance is None:
        whole, without = scores_without(metric, y, found, tested)
        return RowScore(whole, influence_of(without))
    share, expected = naive.mean(), chance_score(metric, y, found.shape[1])
    assert expected is not None
    value, influence = share * expected, share * influence_of(chance)
    if share < 1:
        whole, without = scores_without(metric, y[~naive], found[~naive], tested[~naive])
        value += (1 - share) * whole
        influence[~naive] += influence_of(without)
    return RowScore(float(value), influence)


def row_interval(score: RowScore, y: np.ndarray, groups: np.ndarray | None = None) -> Interval:
    """Return a score, or a difference of two, with its 95 % t interval from the rows' influences.

    The variance is that within the classes and that of their shares; degrees of freedom as Welch
    and Satterthwaite combine them (1946, *Biometrics Bulletin* 2). Groups count as one row each.
    NaN for the interval where a class has a single row, or all rows are of one group.
    """
    unit = float(np.abs(score.influence).max()) or 1.0  # squares of the tiny would be 0
    influence = score.influence / unit
    parts = _variances(influence, y) if groups is None else _of_groups(influence, groups)
    variance = sum(part for part, _ in parts)
    error = unit * float(np.sqrt(variance))
    if not error > 0:  # NaN, too
        return Interval(score.value, score.value + error, score.value + error, error, len(y) - 1)
    freedom = int(1 / sum((part / variance) ** 2 / free for part, free in parts) + 1e-9)
    reach = float(stats.t.ppf(0.975, freedom)) * error
    return Interval(score.value, score.value - reach, score.value + reach, error, freedom)


def _variances(influence: np.ndarray, y: np.ndarray) -> list[tuple[float, int]]:
    """Return variances of the mean influence with their degrees of freedom: each class's, and that
    of the classes' shares."""
    n, parts, between = len(y), [], 0.0
    for code in np.unique(y):
        own = influence[y == code]
        if len(own) < 2:
            return [(np.nan, 1)]
        parts.append((float(len(own) * np.var(own, ddof=1) / n**2), len(own) - 1))
        between += float(len(own) * np.mean(own) ** 2 / n**2)
    return [*parts, (between, n - 1)]


def _of_groups(influence: np.ndarray, groups: np.ndarray) -> list[tuple[float, int]]:
    numbers = np.unique(groups, return_inverse=True)[1]
    sums = np.bincount(numbers, weights=influence)
    if len(sums) < 2:
        return [(np.nan, 1)]
    variance = len(sums) * np.var(sums, ddof=1) / len(influence) ** 2
    return [(float(variance), len(sums) - 1)]


def interval_of_rows(metric: str, rows: Rows) -> Interval:
    """Return the rows' score with a 95 % interval within the metric's range; of no width only if
    every row has the same loss.

    accuracy           Wilson (1927)
    balanced accuracy  Wilson of each class's recall, combined by MOVER (Donner & Zou 2012,
                       *Statistical Methods in Medical Research* 21)
    F1                 Wilson of the share that is both among the rows true or predicted to be of
                       the class
    average precision  Wilson, each row of the class a trial (Boyd, Eng & Page 2013, *ECML PKDD*,
                       section 3, with the binomial interval)
    ROC AUC            the score interval of Newcombe (2006, *Statistics in Medicine* 25, method 5)
    log loss, Brier    t on the logarithm of the score, from the influences of the rows

    Of several classes each has its interval; MOVER combines them, as if they were independent,
    which scores of one class against the rest are not. Of more than two classes, and of rows that
    come in groups, the wider of that and of the t interval from the influences is taken.
    """
    score = row_score(metric, rows)
    by_rows = row_interval(score, rows.y, rows.groups)
    if metric in _PARTS:
        found = combine(_PARTS[metric](rows), "")
        assert found.low is not None
        assert found.high is not None
        by = score.value - found.score
        low, high = found.low + by, found.high + by
    else:
        low, high = _on_log_scale(by_rows)
    dependent = rows.groups is not None or rows.found.shape[2] > 2
    if dependent and np.isfinite(by_rows.low):
        low, high = min(low, by_rows.low), max(high, by_rows.high)
    return replace(by_rows, low=low, high=high)


def _on_log_scale(found: Interval) -> tuple[float, float]:
    if found.mean <= 0:
        return found.low, found.high
    factor = float(np.exp((found.high - found.mean) / found.mean))
    return found.mean / factor, found.mean * factor


def _accuracy(rows: Rows) -> list[SampledInterval]:
    right = np.sum(rows.found.argmax(axis=2) == rows.y) / len(rows.found)
    return [wilson(float(right), len(rows.y))]


def _recalls(rows: Rows) -> list[SampledInterval]:
    right = np.mean(rows.found.argmax(axis=2) == rows.y, axis=0)  # (n,)
    classes = [right[rows.y == code] for code in np.unique(rows.y)]
    return [wilson(float(own.sum()), len(own)) for own in classes]


def _f1(rows: Rows) -> list[SampledInterval]:
    parts, told = [], rows.found.argmax(axis=2)
    for code in looked_at(rows.found.shape[2]):
        both = np.mean(np.sum((told == code) & (rows.y == code), axis=1))
        either = np.mean(np.sum((told == code) | (rows.y == code), axis=1))
        parts.append(f1_of(float(both), float(either)))
    return parts


def _average_precisions(rows: Rows) -> list[SampledInterval]:
    own = np.bincount(rows.y, minlength=rows.found.shape[2]).tolist()
    each = _each_class("average_precision", rows)
    return [wilson(value * own[code], own[code]) for code, value in each]


def _aucs(rows: Rows) -> list[SampledInterval]:
    own = np.bincount(rows.y, minlength=rows.found.shape[2]).tolist()
    return [
        SampledInterval(value, *_auc_limits(value, own[code], len(rows.y) - own[code]), "")
        for code, value in _each_class("roc_auc", rows)
    ]


def _auc_limits(value: float, own: int, others: int) -> tuple[float, float]:
    return (np.nan, np.nan) if np.isnan(value) else newcombe(value, own, others)


def _each_class(metric: str, rows: Rows) -> list[tuple[int, float]]:
    """Return each class that is scored, and its score against the rest, of code 1 of two."""
    pairs = []
    for code in looked_at(rows.found.shape[2]):
        own = rows.found[:, :, code]
        alone = Rows(
            (rows.y == code).astype(int), np.stack([-own, own], axis=2), rows.tested, rows.naive
        )
        pairs.append((code, row_score(metric, alone).value))
    return pairs


_PARTS: dict[str, Callable[[Rows], list[SampledInterval]]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _recalls,
    "f1": _f1,
    "average_precision": _average_precisions,
    "roc_auc": _aucs,
}
