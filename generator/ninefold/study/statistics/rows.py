"""How far a score on one set of rows can be trusted: intervals from row sampling only.

They say what other rows of the same kind would have given the same model; not what other training
rows or another seed would.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import special

from ninefold.study.metrics import METRICS, score
from ninefold.study.statistics.bootstrap import mean_limits, ratio_limits
from ninefold.study.statistics.clusters import leave_groups_out, reach
from ninefold.study.statistics.proportions import (
    balanced_accuracy_interval,
    f1_interval,
    wilson,
)
from ninefold.study.statistics.ranks import auc_interval, average_precision_interval
from ninefold.study.statistics.sampled import (
    SampledInterval,
    Sampling,
    no_interval,
    sampling_hindrance,
)
from ninefold.study.statistics.weighted import row_losses

BY_ROW = Sampling()
_Interval = Callable[[np.ndarray, np.ndarray], SampledInterval]
_OF_CLASSES = ("balanced_accuracy", "roc_auc", "average_precision", "f1")


def holdout_interval(
    metric: str,
    y: np.ndarray,
    prediction: np.ndarray,
    *,
    n_classes: int = 0,
    sampling: Sampling = BY_ROW,
    seed: int = 1,
    draws: int = 2_000,
) -> SampledInterval:
    """Return a score on the hold-out with its 95 % interval, in the metric's range.

    y, prediction  as `metrics.score` takes them
    sampling       how the rows came about. Of groups each is left out in turn; rows in time order
                   have no interval

    Wilson for accuracy; MOVER of Wilsons for balanced accuracy; Wilson of the Jaccard index for F1;
    DeLong on the logit scale for ROC AUC; the logit for average precision; the bootstrap-t for
    losses and R². In `tests/simulate/of_holdout.py` they cover 90 % to 100 %, but that of RMSE
    66 % if errors have tails like Student's t with 2.5 degrees of freedom, whose squares have no
    variance. Where the score is not defined, or there are too few rows or groups, there is no
    interval, and `reason` says why. Raises NinefoldError as `metrics.score` does.
    """
    y, prediction = np.asarray(y), np.asarray(prediction, dtype=float)
    value = score(metric, y, prediction, n_classes=n_classes)
    reason = _hindrance(metric, value, y, sampling)
    if reason:
        return no_interval(value, reason)
    if sampling.groups is not None:
        return _by_group(metric, value, y, prediction, sampling.groups, n_classes)
    if METRICS[metric].takes in ("labels", "ranking"):
        return _of_class(metric, n_classes)(y.astype(int), prediction)
    return _of_losses(metric, value, y, prediction, seed, draws, n_classes)


def heaviest_rows(losses: np.ndarray) -> tuple[int, float]:
    """Return how few rows carry half of the total loss, and their share of it.

    At most 1 % of the rows, and two at least, are counted; if those do not carry half, it is
    their share. (0, 0.0) where there is no loss, and of fewer than 30 rows: of ten with normal
    errors, two carry half of the squares four times in five.
    """
    total = float(losses.sum())
    if len(losses) < _FEWEST_WEIGHED or not total > 0:
        return 0, 0.0
    shares = np.cumsum(np.sort(losses)[::-1][: max(2, len(losses) // 100)]) / total
    rows = min(int(np.searchsorted(shares, 0.5)) + 1, len(shares))
    return rows, float(shares[rows - 1])


_FEWEST_WEIGHED = 30


def _hindrance(metric: str, value: float, y: np.ndarray, sampling: Sampling) -> str:
    """Return why there is no interval, or ""."""
    if not np.isfinite(value):
        return "the score is not defined on these rows"
    if sampling_hindrance(sampling):
        return sampling_hindrance(sampling)
    if len(y) < 2:
        return "a single row"
    if metric in _OF_CLASSES and len(np.unique(y)) < 2:
        return "one class only"
    return ""


def _of_class(metric: str, n_classes: int) -> _Interval:
    if metric == "accuracy":
        return lambda y, found: wilson(int((found.argmax(axis=1) == y).sum()), len(y))
    if metric == "balanced_accuracy":
        return lambda y, found: balanced_accuracy_interval(y, found.argmax(axis=1))
    if metric == "f1":
        return lambda y, found: f1_interval(y, found.argmax(axis=1), n_classes)
    return auc_interval if metric == "roc_auc" else average_precision_interval


def _of_losses(
    metric: str, value: float, y: np.ndarray, found: np.ndarray, seed: int, draws: int, classes: int
) -> SampledInterval:
    losses = row_losses(metric, y, found)
    if np.ptp(losses) <= 1e-12 * np.abs(losses).max():
        return no_interval(value, "every row has the same loss")
    if metric == "r2":
        low, high = (1 - end for end in ratio_limits(losses, y, seed, draws)[::-1])
        if not high - low > 1e-9 * abs(1 - value):  # NaN where no draw varies
            return no_interval(value, "every draw of these few rows gives the same score")
    else:
        low, high = mean_limits(losses, seed, draws)
    if metric == "rmse":
        low, high = np.sqrt(max(0.0, low)), np.sqrt(high)
    return _within(metric, value, low, high, classes, "bootstrap-t")


def _by_group(
    metric: str, value: float, y: np.ndarray, found: np.ndarray, groups: np.ndarray, classes: int
) -> SampledInterval:
    """Student's t with the jackknife's standard error, on a scale without ends: the logit of a
    score from 0 to 1, the logarithm of a loss (of R², that of 1 − R²)."""
    number = len(np.unique(groups))
    if metric in _OF_CLASSES and any(
        len(np.unique(groups[y == code])) < 2 for code in np.unique(y)
    ):
        return no_interval(value, "all rows of a class are in one group")
    error, freedom = leave_groups_out(
        lambda rows: score(metric, y[rows], found[rows], n_classes=classes), groups
    )
    if not np.isfinite(error):
        return no_interval(value, "without one of the groups the score is not defined")
    method, far = f"jackknife of {number} groups", reach(freedom) * float(error)
    if METRICS[metric].takes in ("labels", "ranking"):
        if error <= 1e-12:
            return replace(wilson(value * number, number), method="Wilson, a group as one row")
        far /= value * (1 - value)
        middle = special.logit(value)
        low, high = special.expit(middle - far), special.expit(middle + far)
    elif error <= 1e-12 * max(abs(value), abs(1 - value) if metric == "r2" else 0.0):
        return no_interval(value, "every group has the same loss")
    elif metric == "r2":
        low, high = (1 - (1 - value) * np.exp(s * far / (1 - value)) for s in (1, -1))
    else:
        low, high = (value * np.exp(s * far / value) for s in (-1, 1))
    return _within(metric, value, low, high, classes, method)


def _within(
    metric: str, value: float, low: float, high: float, classes: int, method: str
) -> SampledInterval:
    low, high = min(low, value), max(high, value)  # of a few rows, all draws may lie on one side
    low, high = np.clip([low, high], *METRICS[metric].limits(classes))
    return SampledInterval(value, float(low), float(high), method)
