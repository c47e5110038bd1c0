"""How far a score on one set of rows can be trusted: intervals from row sampling only.

They say what other rows of the same kind would have given the same model; not what other training
rows or another seed would, and they take the rows for independent.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from ninefold.errors import NinefoldError
from ninefold.study.metrics import METRICS, score

# BCa needs a score for each row left out; beyond this many rows its corrections, of the order
# 1/√n, are not worth the time.
_MOST_ROWS_FOR_BCA = 2_000
_BEST_AT_ONE = ("balanced_accuracy", "f1", "roc_auc", "average_precision")


@dataclass(frozen=True)
class SampledInterval:
    """A score and its interval; `method` says how it was made, and what stands in its place
    where it cannot be: "Wilson", "Wilson on the rarest class", "BCa bootstrap", "percentile
    bootstrap", "point: all draws alike"."""

    score: float
    low: float
    high: float
    method: str


def wilson(successes: int, n: int, *, confidence: float = 0.95) -> SampledInterval:
    """Return a proportion with Wilson's interval (1927), never of no width: 69 of 69 right is
    0.947 to 1."""
    found = stats.binomtest(int(successes), int(n)).proportion_ci(confidence, method="wilson")
    return SampledInterval(successes / n, float(found.low), float(found.high), "Wilson")


def bootstrap_interval(
    statistic: Callable[[np.ndarray, np.ndarray], float],
    y: np.ndarray,
    prediction: np.ndarray,
    strata: np.ndarray | None = None,
    *,
    seed: int = 1,
    draws: int = 2_000,
    confidence: float = 0.95,
) -> SampledInterval:
    """Return `statistic(y, prediction)` with its BCa interval, rows drawn within each stratum
    (Efron 1987, *JASA* 82; Davison & Hinkley 1997, section 5.3).

    y, prediction  (n,) and (n,) or (n, K)
    strata         (n,) of each row, in general its class; None: one stratum. The only row of a
                   stratum is in every draw

    Percentiles of the draws take its place beyond 2,000 rows and where BCa is not defined; where
    all draws agree, a point. Raises NinefoldError where the statistic is not defined on the rows,
    or no stratum has two.
    """
    estimate = float(statistic(y, prediction))
    if not np.isfinite(estimate):
        raise NinefoldError(
            "the score cannot be computed on these rows: no interval",
            "expected finite predictions and a row of each class",
        )
    strata = np.zeros(len(y)) if strata is None else np.asarray(strata)
    rows = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    alone = np.concatenate([[], *(part for part in rows if len(part) == 1)]).astype(int)
    several = [part for part in rows if len(part) > 1]
    if not several:
        raise NinefoldError("too few rows: no interval", "expected two rows of a class at least")

    def on_rows(*samples: np.ndarray) -> float:
        drawn = np.concatenate([alone, *samples]).astype(int)
        return statistic(y[drawn], prediction[drawn])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy's of degenerate draws: settled below
        found = stats.bootstrap(
            several,
            on_rows,
            n_resamples=draws,
            batch=max(1, 1_000_000 // len(y)),
            vectorized=False,
            confidence_level=confidence,
            method="BCa" if len(y) <= _MOST_ROWS_FOR_BCA else "percentile",
            rng=np.random.default_rng(seed),
        )
    low, high = found.confidence_interval
    kind = "BCa bootstrap" if len(y) <= _MOST_ROWS_FOR_BCA else "percentile bootstrap"
    drawn = found.bootstrap_distribution
    if np.ptp(drawn) <= 1e-12 * abs(estimate):
        low, high, kind = estimate, estimate, "point: all draws alike"
    elif not (np.isfinite(low) and np.isfinite(high)):
        tail = (1 - confidence) / 2
        low, high = np.nanquantile(drawn, [tail, 1 - tail])
        kind = "percentile bootstrap"
    return SampledInterval(estimate, float(low), float(high), kind)


def holdout_interval(
    metric: str,
    y: np.ndarray,
    prediction: np.ndarray,
    *,
    n_classes: int = 0,
    seed: int = 1,
    draws: int = 2_000,
    confidence: float = 0.95,
) -> SampledInterval:
    """Return a score on the hold-out with its interval; in the metric's range, as each draw is.

    y, prediction  as `metrics.score` takes them

    Wilson for accuracy, else the bootstrap, stratified by class. Where every draw scores 0 or 1
    by a metric from 0 to 1 whose best is 1, the rows of the rarest class are taken for a
    proportion, all wrong or all right: with fewer rows to speak for it no class can do better.
    Raises as `metrics.score` and `bootstrap_interval`.
    """
    known, y, prediction = METRICS[metric], np.asarray(y), np.asarray(prediction)
    value = score(metric, y, prediction, n_classes=n_classes)
    if metric == "accuracy" and np.isfinite(value):
        return wilson(round(value * len(y)), len(y), confidence=confidence)
    found = bootstrap_interval(
        lambda truth, told: score(metric, truth, told, n_classes=n_classes),
        y,
        prediction,
        None if known.takes == "numbers" else y,
        seed=seed,
        draws=draws,
        confidence=confidence,
    )
    if found.low == found.high and metric in _BEST_AT_ONE and round(value, 9) in (0, 1):
        rarest = int(np.unique(y, return_counts=True)[1].min())
        limits = wilson(round(value * rarest), rarest, confidence=confidence)
        return replace(limits, method="Wilson on the rarest class")
    return found
