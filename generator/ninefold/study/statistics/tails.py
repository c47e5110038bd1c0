"""Errors larger than any seen: the largest tenth is continued by a generalized Pareto tail.

A bootstrap draws no error larger than those it has, and so predicts too small an RMSE for other
rows. Drawing the tail from a fitted distribution is the semi-parametric bootstrap of Cowell &
Flachaire (2007, *Journal of Econometrics* 141, section 4).
"""

import numpy as np

_SHARE = 0.1  # of the errors are the tail
_LEAST = 5  # errors in it, for one to be fitted
_ALIKE = 1e-9  # errors that differ by less of them differ by rounding
_HEAVIEST = 1.0  # shape: beyond it not even the mean error exists


def replace_tail(
    errors: np.ndarray,
    row: np.ndarray,
    draw: np.ndarray,
    draws: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return the errors of drawn rows (m,), those of the tail drawn anew from a generalized Pareto
    distribution whose parameters are drawn for each draw from what the tail says of them.

    errors     (n,) not negative; row, draw (m,) which error is taken in which draw of so many

    With fewer than five different errors above the threshold, and where these fit no such tail,
    they are returned as they are.
    """
    order = np.argsort(errors, kind="stable")
    size = int(_SHARE * len(errors))
    threshold = errors[order[-size - 1]] if size else np.inf
    excess = errors[errors > threshold * (1 + _ALIKE)] - threshold
    found = errors[row]
    if len(np.unique(excess)) < _LEAST:
        return found
    shapes, scales, weights = pareto_tails(excess)
    if not len(weights):
        return found
    number = generator.choice(len(weights), size=draws, p=weights)[draw]
    far = found > threshold
    shape, scale = shapes[number[far]], scales[number[far]]
    found[far] = threshold + scale * np.expm1(shape * generator.exponential(size=far.sum())) / shape
    return found


def pareto_tails(excess: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return generalized Pareto distributions that may have made the excesses: shapes (positive: a
    heavy tail; below 1), scales, and how likely each is (they sum to 1); none if all are heavier.

    The grid of Zhang & Stephens (2009, *Technometrics* 51, section 2): the profile likelihood under
    a prior drawn from the data. Their estimate is its mean; here the spread is of use, too.
    """
    x = np.sort(excess)
    n = len(x)
    points = 30 + int(np.sqrt(n))
    quartile = x[int(n / 4 + 0.5) - 1]
    theta = 1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
    theta = 1 / x[-1] + theta / (3 * quartile)
    theta = theta[np.abs(theta) > 1e-12 / x[-1]]
    shapes = np.log1p(-theta[:, None] * x).mean(axis=1)
    possible = shapes < _HEAVIEST
    shapes, theta = shapes[possible], theta[possible]
    scales = -shapes / theta
    if not possible.any():
        return shapes, scales, shapes
    likelihood = n * (np.log(-theta / shapes) - shapes - 1)
    weights = np.exp(likelihood - likelihood.max())
    return shapes, scales, weights / weights.sum()
