"""A family of differences from one control: intervals and p-values that hold for all at once.

Single-step max-T: how large the largest of all |t| becomes where nothing differs decides both which
interval leaves out 0 and which p is small, so that they cannot contradict each other (Dunnett 1955,
*JASA* 50; Hothorn, Bretz & Westfall 2008, *Biometrical Journal* 50).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

_AT_ONCE = 2**22  # numbers in memory


@dataclass(frozen=True)
class Family:
    """What holds for each of the differences (variants,).

    critical  how many standard errors away from 0 a difference is found
    low, high  simultaneous interval; without variance, a point
    p          adjusted, two-sided; NaN without variance
    """

    critical: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray


def compare_at_once(
    means: np.ndarray,
    errors: np.ndarray,
    freedom: np.ndarray | float,
    correlation: np.ndarray,
    *,
    confidence: float = 0.95,
    draws: int = 200_000,
    seed: int = 1,
) -> Family:
    """Return simultaneous intervals and adjusted p-values of differences.

    means, errors  (variants,) and their standard errors; 0: one that does not vary, which has no p
                   and adjusts no other
    freedom        degrees of freedom, (variants,) or for all; infinite for a normal
    correlation    (variants, variants) of the differences; may be singular

    Each p is that of the largest |t| of a multivariate t with this correlation, from so many draws
    of a fixed seed; at most the one of Bonferroni, which resolves small ones; at least the plain
    one, which it is exactly for a family of one. The critical value is bounded in the same way: p
    is below 1 − `confidence` exactly where the interval leaves out 0.
    """
    means, errors = np.asarray(means, dtype=float), np.asarray(errors, dtype=float)
    freedom = np.broadcast_to(np.asarray(freedom, dtype=float), means.shape)
    critical, p = np.full(means.shape, np.nan), np.full(means.shape, np.nan)
    varies = np.flatnonzero(errors > 0)
    members, alpha = len(varies), 1 - confidence
    if members:
        t, free = np.abs(means[varies] / errors[varies]), freedom[varies]
        among = np.asarray(correlation)[np.ix_(varies, varies)]
        # of a family of one the bounds below are the exact t, whatever is drawn
        largest = _largest(among, float(free.min()), draws if members > 1 else 1, seed)
        alone = 2 * stats.t.sf(t, free)
        drawn = (1 + len(largest) - np.searchsorted(largest, t)) / (1 + len(largest))
        p[varies] = np.clip(drawn, alone, np.minimum(1, members * alone))
        one, all_of_them = (stats.t.isf(alpha / 2 / number, free) for number in (1, members))
        # the smallest t with a drawn p below alpha lies just above this one
        found = largest[len(largest) - max(1, int(np.ceil(alpha * (1 + len(largest)) - 1)))]
        critical[varies] = np.clip(found, one, all_of_them)
    reach = np.where(errors == 0, 0.0, critical * errors)
    return Family(critical, means - reach, means + reach, p)


def correlation_of(differences: np.ndarray) -> np.ndarray:
    """Return how differences vary together (variants, variants), of each pair where both are
    defined; 0, which is stricter, where that cannot be told.

    differences  (variants, folds), NaN where not defined
    """
    found = pd.DataFrame(differences.T).corr().fillna(0).to_numpy(copy=True)
    np.fill_diagonal(found, 1)
    return found


def _largest(correlation: np.ndarray, freedom: float, draws: int, seed: int) -> np.ndarray:
    """Return draws of the largest |t| of a multivariate t, sorted."""
    generator = np.random.default_rng(seed)
    factor = _factor(correlation)
    largest = np.empty(draws)
    size = max(1, _AT_ONCE // len(correlation))
    for start in range(0, draws, size):
        some = largest[start : start + size]
        normal = generator.standard_normal((len(some), factor.shape[1]))
        some[:] = np.abs(normal @ factor.T).max(axis=1)
    if np.isfinite(freedom):
        largest /= np.sqrt(generator.chisquare(freedom, draws) / freedom)
    return np.sort(largest)


def _factor(correlation: np.ndarray) -> np.ndarray:
    """Return F with F·Fᵀ the correlation, (variants, rank); of a matrix that is none, as
    differences defined on different folds may have, one close to it."""
    values, vectors = np.linalg.eigh((correlation + correlation.T) / 2)
    kept = values > 1e-10 * values[-1]
    factor = vectors[:, kept] * np.sqrt(values[kept])
    return factor / np.linalg.norm(factor, axis=1, keepdims=True)


def detectable_difference(
    standard_error: float, freedom: float, critical: float, power: float = 0.8
) -> float:
    """Return the smallest true difference that a two-sided test finds with that power.

    critical  how many standard errors away from 0 a difference counts as found

    The noncentral t, whose noncentrality is the difference in standard errors. NaN where there is
    no critical value.
    """
    return float(standard_error * special.nctdtrinc(freedom, 1 - power, critical))
