"""Whether rows depend on one another: within groups, and from one row to the next."""

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Dependence:
    """A correlation between rows, and the probability of as large a one by chance."""

    correlation: float
    p: float


def intraclass_correlation(values: np.ndarray, groups: np.ndarray) -> Dependence:
    """Return how alike the values of one group are: ICC(1) by the analysis of variance, with its
    F test (Fisher 1925; Donner 1986, *Int. Stat. Rev.* 54, for groups of unequal size).

    values  (n, k) one or several columns, such as a class against the rest; their sums of squares
            are added
    groups  (n,) of each row; two groups at least, and one of two rows
    """
    n, codes = len(values), np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(codes)
    means = np.array([np.bincount(codes, column) / sizes for column in values.T]).T
    number = len(sizes)
    within = ((values - means[codes]) ** 2).sum() / (n - number)
    between = (sizes[:, None] * (means - values.mean(axis=0)) ** 2).sum() / (number - 1)
    usual = (n - (sizes**2).sum() / n) / (number - 1)
    if between <= 0:
        return Dependence(0.0, 1.0)
    found = (between - within) / (between + (usual - 1) * within)
    p = stats.f.sf(between / within, number - 1, n - number) if within > 0 else 0.0
    return Dependence(float(found), float(p))


def correlation_of_neighbours(values: np.ndarray, apart: np.ndarray | None = None) -> Dependence:
    """Return the correlation of each row with the next, and how probably chance alone gives as
    large a one in shuffled rows (one-sided, normal approximation).

    values  (n, k) in order, as `intraclass_correlation` takes them; of several columns that with
            the smallest p counts, by Bonferroni's correction
    apart   (n − 1,) which pairs of neighbours count; None: all
    """
    pairs = np.ones(len(values) - 1, dtype=bool) if apart is None else apart
    if pairs.sum() < 10:
        return Dependence(0.0, 1.0)
    away = values - values.mean(axis=0)
    spread = (away**2).mean(axis=0)
    products = (away[:-1] * away[1:])[pairs].mean(axis=0)
    found = np.divide(products, spread, out=np.zeros_like(spread), where=spread > 0)
    best = int(found.argmax())
    p = stats.norm.sf(found[best] * np.sqrt(pairs.sum()))
    return Dependence(float(found[best]), float(min(1, p * len(found))))
