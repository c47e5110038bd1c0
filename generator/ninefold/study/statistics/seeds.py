"""Scores of networks trained from several seeds in each fold: how they vary, how they are paired.

m seeds, J folds × repeats. What a seed does is drawn anew for each fit; what training rows do is
shared between folds that overlap. One seed in each fold cannot tell the two apart, several can.
"""

from collections.abc import Sequence

import numpy as np

Numbers = Sequence[float] | np.ndarray


def pair_seeds(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the differences a − b of scores (m, J), (m, J): seed by seed where both have as many,
    from each seed where one side has a single score in each fold. Else means over the seeds are
    compared, (1, J), and all variance counts as shared."""
    if len(a) != len(b) and 1 not in (len(a), len(b)):
        a, b = a.mean(axis=0, keepdims=True), b.mean(axis=0, keepdims=True)
    return a - b


def defined_in_both(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two models' scores (m, J) of the folds where all of them are defined."""
    defined = np.isfinite(a).all(axis=0) & np.isfinite(b).all(axis=0)
    return a[:, defined], b[:, defined]


def corrected_standard_error(
    scores: Numbers, n_train: float, n_test: float, scale: float | None = None
) -> float:
    """Return the standard error of a mean score, or of a mean difference, over overlapping folds.

    scores  (J,) or (m, J)
    scale   of what differences are of: they count as equal if they differ by its rounding only

    SE² = s̄²/J + ρ·max(s̄² − s²_seed/m, s̄²/5), where s̄² is the variance between the folds of the
    means over m seeds, s²_seed that between the seeds of a fold, ρ = n_test/n_train. Of one seed
    (m = 1) nothing is known of s²_seed, and SE² = s̄²·(1/J + ρ) as Nadeau & Bengio have it.
    """
    values = np.atleast_2d(np.asarray(scores, dtype=float))
    spread = spread_of(values, scale) ** 2
    shared = max(spread - seed_variance(values) / len(values), _LEAST_SHARED * spread)
    return float(np.sqrt(spread / values.shape[1] + n_test / n_train * shared))


# Both variances are estimates. Without this bound the difference of the two is now and then far too
# small, and the largest of ten |t| of networks that are alike was found in 12 % of 400 experiments.
_LEAST_SHARED = 0.2


def spread_of(values: np.ndarray, scale: float | None = None) -> float:
    """The standard deviation between folds of the means over seeds, of values (m, J); 0 where these
    differ by rounding only."""
    scale = np.abs(values).max() if scale is None else scale
    means = values.mean(axis=0)
    return 0.0 if np.ptp(means) <= 1e-12 * scale else float(means.std(ddof=1))


def seed_variance(values: np.ndarray) -> float:
    """The variance between the seeds of a fold, of values (m, J); 0 of one seed."""
    return 0.0 if len(values) < 2 else float(values.var(axis=0, ddof=1).mean())
