"""Whether predictions are too bold or too timid: slope and intercept of what came true on them."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from ninefold.study.statistics.clusters import leave_groups_out, reach
from ninefold.study.statistics.sampled import (
    SampledInterval,
    Sampling,
    no_interval,
    sampling_hindrance,
)

_STEPS = 100
_SMALLEST = np.finfo(float).eps  # the nearest to 0 that log loss takes a probability for
_FURTHEST = 50.0  # standard errors: a limit beyond is none
_PARTED = "the predictions part the outcomes with hardly an error"


@dataclass(frozen=True)
class Calibration:
    """1 and 0 where predictions are calibrated; a slope below 1: they are too extreme."""

    slope: SampledInterval
    intercept: SampledInterval


def calibration_of_probabilities(
    came_true: np.ndarray, probability: np.ndarray, sampling: Sampling
) -> Calibration:
    """Return the logistic recalibration logit P = intercept + slope · logit(probability), with
    intervals by the profile of the likelihood (Cox 1958, *Biometrika* 45).

    came_true, probability  (n,) booleans, and what was predicted for them
    """
    x = special.logit(np.clip(probability, _SMALLEST, 1 - _SMALLEST))
    return _calibrate(x, came_true.astype(float), True, sampling)


def calibration_of_numbers(
    actual: np.ndarray, predicted: np.ndarray, sampling: Sampling
) -> Calibration:
    """Return the line actual = intercept + slope · predicted, by least squares, with standard
    errors that allow for uneven noise (HC3; MacKinnon & White 1985)."""
    return _calibrate(predicted, actual, False, sampling)


def mean_error(actual: np.ndarray, predicted: np.ndarray, sampling: Sampling) -> SampledInterval:
    """Return the mean of actual − predicted with its interval: what slope and intercept, each by
    itself, may leave open ("calibration in the large").

    actual, predicted  (n,) numbers; or whether each came true, and its probability
    """
    errors = actual - predicted
    n, mean = len(errors), float(errors.mean())
    reason = "a single row" if n < 2 else sampling_hindrance(sampling)
    if reason:
        return no_interval(mean, reason)
    if sampling.groups is None:
        far, method = reach(n - 1) * float(errors.std(ddof=1) / np.sqrt(n)), "t"
    else:
        found, freedom = leave_groups_out(lambda rows: errors[rows].mean(), sampling.groups)
        far, method = (
            reach(freedom) * float(found),
            f"jackknife of {sampling.number_of_groups} groups",
        )
    return SampledInterval(mean, mean - far, mean + far, method)


def _calibrate(x: np.ndarray, y: np.ndarray, logistic: bool, sampling: Sampling) -> Calibration:
    if len(x) < 3 or np.ptp(x) <= 1e-12 * np.abs(x).max() or np.ptp(y) == 0:
        return _without(np.full(2, np.nan), "all predictions, or all outcomes, are alike")
    design = np.column_stack([np.ones(len(x)), x])
    fit = fit_logistic if logistic else _fit_line
    found, errors = fit(design, y)
    if not np.isfinite(errors).all():
        return _without(found, _PARTED)
    reason = sampling_hindrance(sampling)
    if reason:
        return _without(found, reason)
    if sampling.groups is not None:
        errors, freedom = leave_groups_out(lambda rows: fit(design[rows], y[rows])[0],
                                           sampling.groups)  # fmt: skip
        if not np.isfinite(errors).all():
            return _without(found, "without one of the groups there is no error left")
        far, method = reach(freedom) * errors, f"jackknife of {sampling.number_of_groups} groups"
        limits = np.array([found - far, found + far])
    elif logistic:
        limits, method = _profile_limits(design, y, found, errors), "profile likelihood"
    else:
        far = stats.t.ppf(0.975, len(x) - 2) * errors
        limits, method = np.array([found - far, found + far]), "HC3"
    if not np.isfinite(limits).all():
        return _without(found, _PARTED)
    intercept, slope = (
        SampledInterval(float(value), float(low), float(high), method)
        for value, low, high in zip(found, *limits, strict=True)
    )
    return Calibration(slope, intercept)


def _without(found: np.ndarray, reason: str) -> Calibration:
    intercept, slope = (no_interval(float(value), reason) for value in found)
    return Calibration(slope, intercept)


def fit_logistic(
    design: np.ndarray, y: np.ndarray, offset: np.ndarray | float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients (k,) and standard errors of a logistic regression, by Newton's method;
    NaN where the design parts the outcomes, so that no coefficients are the likeliest."""
    found = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        chance = special.expit(design @ found + offset)
        weights = chance * (1 - chance)
        spread = np.linalg.pinv(design.T @ (weights[:, None] * design))
        step = spread @ (design.T @ (y - chance))
        size = np.sqrt(np.mean((design @ step) ** 2))
        found = found + step * min(1.0, 2.0 / max(size, 1e-300))
        if size < 1e-8:
            return found, np.sqrt(np.maximum(spread.diagonal(), 0))
    return np.full(len(found), np.nan), np.full(len(found), np.nan)


def _profile_limits(
    design: np.ndarray, y: np.ndarray, found: np.ndarray, errors: np.ndarray
) -> np.ndarray:
    """Return the lower and the upper limits (2, k): where twice the likelihood's logarithm, the
    other coefficient at its best, has fallen by the 95 % quantile of chi-squared."""
    allowed = stats.chi2.ppf(0.95, 1) / 2
    best = _likelihood(design @ found, y)
    limits = np.empty((2, len(found)))
    for which in range(len(found)):
        rest = np.delete(design, which, axis=1)

        def beyond(away: float, which: int = which, rest: np.ndarray = rest) -> float:
            offset = design[:, which] * (found[which] + away * errors[which])
            others, _ = fit_logistic(rest, y, offset)
            return best - _likelihood(rest @ others + offset, y) - allowed

        for side, sign in enumerate((-1.0, 1.0)):
            end = sign
            while beyond(end) < 0 and abs(end) < _FURTHEST:
                end *= 2
            away = optimize.brentq(beyond, 0, end, xtol=1e-3) if beyond(end) > 0 else np.nan
            limits[side, which] = found[which] + errors[which] * away
    return limits


def _likelihood(logits: np.ndarray, y: np.ndarray) -> float:
    return float((y * logits - np.logaddexp(0, logits)).sum())


def _fit_line(design: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    inverse = np.linalg.pinv(design)  # (2, n)
    found = inverse @ y
    leverage = np.einsum("ij,ji->i", design, inverse)
    left = (y - design @ found) / np.maximum(1 - leverage, 1e-9)
    return found, np.sqrt((inverse**2 * left**2).sum(axis=1))
