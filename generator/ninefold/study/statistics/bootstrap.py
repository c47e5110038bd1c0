"""The bootstrap-t: intervals of losses, whose rows may be as uneven as they like."""

from collections.abc import Iterator

import numpy as np
from scipy import stats

_MOST_ROWS = 5_000  # beyond, the skewness that the bootstrap corrects is lost in the noise
_AT_ONCE = 2_000_000  # numbers drawn at a time
_OF_ALL = 0.05


def mean_limits(losses: np.ndarray, seed: int, draws: int) -> tuple[float, float]:
    """Return the 95 % limits of the mean of losses (n,), by the bootstrap-t (Efron & Tibshirani
    1993, chapter 12.5); beyond 5,000 rows by Student's t."""
    return _limits(losses, np.zeros(0), seed, draws)


def ratio_limits(
    losses: np.ndarray, values: np.ndarray, seed: int, draws: int
) -> tuple[float, float]:
    """Return the 95 % limits of mean(losses)/variance(values), the same way; of squared errors and
    the target that is 1 − R². NaN where the ratio is the same in every draw."""
    unit = np.ptp(values)  # the fourth power of a target of 1e-100 would be 0
    return _limits(losses / unit**2, values / unit, seed, draws)


def _limits(x: np.ndarray, y: np.ndarray, seed: int, draws: int) -> tuple[float, float]:
    """In each draw a twentieth of the variance is that of all rows: a draw without the few rows
    that carry the loss has next to none of its own, and by it an upper limit may be hundreds of
    times the score. Measured with three log losses of few large errors: at 60 rows coverage is
    79 % to 96 % instead of 80 % to 96 %, at 115 rows 93 % to 97 % instead of 95 % to 98 %."""
    n = len(x)
    unit = float(np.abs(x).max())  # the square of a loss of 1e-200 would be 0
    x = x / unit
    estimate, variance = (float(value[0]) for value in _moments(x[None], y[None]))
    error = np.sqrt(variance)
    if n > _MOST_ROWS:
        low, high = stats.t.ppf([0.025, 0.975], n - 1)
        return unit * (estimate + low * error), unit * (estimate + high * error)
    found = []
    for rows in _draw(n, seed, draws):
        value, spread = _moments(x[rows], y[rows] if len(y) else y[None])
        known = np.isfinite(value)  # undefined where all values drawn are alike
        mixed = (1 - _OF_ALL) * spread[known] + _OF_ALL * variance
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append((value[known] - estimate) / np.sqrt(mixed))
    low, high = np.quantile(np.concatenate(found), [0.025, 0.975])
    return unit * (estimate - high * error), unit * (estimate - low * error)


def _draw(n: int, seed: int, draws: int) -> Iterator[np.ndarray]:
    generator = np.random.default_rng(seed)
    most = max(1, _AT_ONCE // n)
    for start in range(0, draws, most):
        yield generator.integers(0, n, (min(most, draws - start), n))


def _moments(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the statistic of each sample, and the variance of that statistic.

    x  (samples, n); y (samples, n), or (1, 0) for the mean of x
    """
    n = x.shape[1]
    value = x.mean(axis=1)
    if not y.size:
        return value, x.var(axis=1, ddof=1) / n
    away = (y - y.mean(axis=1, keepdims=True)) ** 2
    scale = away.mean(axis=1)
    with np.errstate(all="ignore"):
        value = value / scale
        return value, (x - value[:, None] * away).var(axis=1, ddof=1) / (n * scale**2)
