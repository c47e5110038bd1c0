"""Intervals where rows come in groups: from leaving each group out."""

from collections.abc import Callable

import numpy as np
from scipy import stats

_MOST = 100  # groups that are left out one by one; of more, several at a time


def leave_groups_out(
    statistic: Callable[[np.ndarray], np.ndarray | float], groups: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return the jackknife's standard errors of a statistic and their degrees of freedom.

    statistic  (row numbers) → a number or (k,) numbers
    groups     (n,) of each row. Of more than a hundred, several are left out at a time

    SE² = (G − 1)/G · Σ(θ₋g − mean)², G the groups (Efron & Stein 1981). Where groups are of unequal
    size a few of them decide, so that the degrees of freedom are those of (Σ n_g)²/Σ n_g² groups
    (Carter, Schnepel & Steigerwald 2017, *Rev. Econ. Stat.* 99), less one.
    """
    codes = np.unique(groups, return_inverse=True)[1] % _MOST
    number = int(codes.max()) + 1
    without = np.array([statistic(np.flatnonzero(codes != code)) for code in range(number)])
    away = without - without.mean(axis=0)
    sizes = np.bincount(codes)
    alike = float(sizes.sum() ** 2 / (sizes**2).sum())
    return np.sqrt((number - 1) / number * (away**2).sum(axis=0)), alike - 1


def reach(freedom: float) -> float:
    """Return how many standard errors a 95 % interval reaches by Student's t."""
    return float(stats.t.ppf(0.975, max(freedom, 1.0)))
