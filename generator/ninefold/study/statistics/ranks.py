"""Intervals of ROC AUC and average precision, which hold with few rows of a class."""

from collections.abc import Callable

import numpy as np
from scipy import optimize, special, stats

from ninefold.study.statistics.proportions import Z, combine, correlations, wilson
from ninefold.study.statistics.sampled import SampledInterval

_NEAR = 1e-9  # how near 0 or 1 a limit is looked for

Rated = tuple[SampledInterval, np.ndarray]
Interval = Callable[[np.ndarray, np.ndarray], Rated]


def auc_interval(y: np.ndarray, ranking: np.ndarray) -> SampledInterval:
    """Return ROC AUC with its interval, of more than two classes the macro average.

    y        (n,) codes, each class in some row
    ranking  (n, K) numbers that rank the rows

    DeLong's variance (DeLong, DeLong & Clarke-Pearson 1988, *Biometrics* 44) on the logit scale,
    and no narrower than Newcombe's interval (2006, *Stat. Med.* 25, part 2, method 5), which looks
    at the class sizes alone: DeLong's variance is 0 where all pairs are in order, and too small
    near that. Several classes are combined by MOVER.
    """
    return _each_class(y, ranking, auc_of_class, "DeLong on the logit scale")


def average_precision_interval(y: np.ndarray, ranking: np.ndarray) -> SampledInterval:
    """Return average precision with its interval, of more than two classes the macro average.

    y, ranking  as `auc_interval` takes them

    On the logit scale with the variance of a proportion of the class's rows (Boyd, Eng & Page
    2013, *ECML PKDD*, section 4.1): wide, and the one that holds with six rows of a class (92 % to
    100 %), where the bootstrap of rows covers 66 % to 89 %.
    """
    return _each_class(y, ranking, precision_of_class, "logit")


def _each_class(
    y: np.ndarray, ranking: np.ndarray, of_class: Interval, method: str
) -> SampledInterval:
    codes = [1] if ranking.shape[1] == 2 else range(ranking.shape[1])
    rated = [of_class(y == code, ranking[:, code]) for code in codes]
    parts = [interval for interval, _ in rated]
    if len(parts) == 1:
        return parts[0]
    known = correlations(np.array([influence for _, influence in rated]).T)
    return combine(parts, f"{method} for each class, combined by MOVER", known)


def auc_of_class(positive: np.ndarray, ranking: np.ndarray) -> Rated:
    """Return ROC AUC of one class against the rest, its interval, and each row's influence (n,).

    positive  (n,) booleans, of both kinds; ranking: (n,)
    """
    ranks = stats.rankdata(ranking)
    m, n = int(positive.sum()), int((~positive).sum())
    within = np.empty(len(ranks))
    for rows in (positive, ~positive):
        within[rows] = stats.rankdata(ranking[rows])
    below = ranks - within  # rows of the other kind ranked below, ties by half
    parts = np.where(positive, below / n, 1 - below / m)  # DeLong's structural components
    score = float(parts[positive].mean())
    influence = (parts - score) / np.where(positive, m, n)
    low, high = newcombe(score, m, n)
    kinds = (parts[rows] for rows in (positive, ~positive))
    error = np.sqrt(sum(kind.var(ddof=1) / len(kind) for kind in kinds if len(kind) > 1))
    delong = _on_logits(score, error)
    low, high = min(low, delong[0]), max(high, delong[1])
    return SampledInterval(score, low, high, "DeLong on the logit scale"), influence


def precision_of_class(positive: np.ndarray, ranking: np.ndarray) -> Rated:
    """Return average precision of one class against the rest, its interval, and each row's
    influence (n,); positive, ranking as `auc_of_class` takes them."""
    places = stats.rankdata(-ranking, method="max")
    rivals = np.sort(places[positive])
    found = np.searchsorted(rivals, places, side="right")  # rows of the class up to this place
    m = len(rivals)
    score = float(np.mean(found[positive] / places[positive]))
    if score < 1 - _NEAR:
        low, high = _on_logits(score, np.sqrt(score * (1 - score) / m))
    else:
        low, high = wilson(m, m).low or 0.0, 1.0
    influence = _influence_on_precision(positive, places, found, score) / m
    return SampledInterval(score, low, high, "logit"), influence


def _influence_on_precision(
    positive: np.ndarray, places: np.ndarray, found: np.ndarray, score: float
) -> np.ndarray:
    """A row changes the precision at its own place and at each positive's below it."""
    order = np.argsort(places, kind="stable")
    kind, place, above = (values[order] for values in (positive, places, found))
    less = np.cumsum((kind * above / place**2)[::-1])[::-1]
    more = np.cumsum((kind / place)[::-1])[::-1]
    influence = np.empty(len(order))
    influence[order] = kind * (above / place - score + more) - less
    return influence


def newcombe(score: float, m: int, n: int) -> tuple[float, float]:
    """Return the ROC AUCs whose distance from this one, of m rows against n, is Z of their own
    standard errors (Newcombe 2006, *Stat. Med.* 25, part 2, method 5)."""
    common = (m + n) / 2 - 1

    def beyond(other: float) -> float:
        spread = 1 + common * ((1 - other) / (2 - other) + other / (1 + other))
        return (other - score) ** 2 - Z**2 * other * (1 - other) * spread / (m * n)

    low = optimize.brentq(beyond, _NEAR, score - _NEAR) if score > 2 * _NEAR else 0.0
    high = optimize.brentq(beyond, score + _NEAR, 1 - _NEAR) if score < 1 - 2 * _NEAR else 1.0
    return float(low), float(high)


def _on_logits(score: float, error: float) -> tuple[float, float]:
    """Return the interval of a score from 0 to 1 with that standard error; a point at an end."""
    if not 0 < score < 1:
        return score, score
    middle, reach = special.logit(score), Z * error / (score * (1 - score))
    return float(special.expit(middle - reach)), float(special.expit(middle + reach))
