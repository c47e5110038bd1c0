"""Intervals of proportions, and of what is made of several: balanced accuracy and F1."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from ninefold.study.formulas import confusion_counts
from ninefold.study.statistics.sampled import SampledInterval

Z = NormalDist().inv_cdf(0.975)


def wilson(successes: float, n: float) -> SampledInterval:
    """Return a proportion with Wilson's 95 % interval (1927), never of no width: 69 of 69 right is
    0.947 to 1. Trials need not be whole: of repeats they are a mean; NaN of none."""
    if not n:
        return SampledInterval(np.nan, np.nan, np.nan, "Wilson")
    share = successes / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low, high = max(0.0, centre - reach), min(1.0, centre + reach)
    # at the ends of the range rounding alone parts a limit from the share
    low, high = (0.0 if share == 0 else low), (1.0 if share == 1 else high)
    return SampledInterval(float(share), float(low), float(high), "Wilson")


def combine(
    parts: Sequence[SampledInterval], method: str, correlation: np.ndarray | None = None
) -> SampledInterval:
    """Return the mean of several scores with its interval, by MOVER: from the distance of each
    score to its own limits (Donner & Zou 2012, *Stat. Methods Med. Res.* 21; for scores that
    depend on one another Zou 2007, *Psychol. Methods* 12).

    correlation  (K, K) of the scores; None: they are independent
    """
    scores, low, high = np.array([(p.score, p.low, p.high) for p in parts], dtype=float).T
    known = np.eye(len(parts)) if correlation is None else correlation
    below, above = (
        np.sqrt(max(0.0, reach @ known @ reach)) / len(parts)
        for reach in (scores - low, high - scores)
    )
    mean = float(scores.mean())
    low, high = np.clip([mean - below, mean + above], 0, 1)  # NaN stays NaN
    return SampledInterval(mean, float(low), float(high), method)


def correlations(influences: np.ndarray) -> np.ndarray:
    """Return the correlation (K, K) of K scores from the influence of each row on them (n, K). A
    score that no row sways counts as wholly correlated, which makes an interval wider."""
    products = influences.T @ influences
    sizes = np.sqrt(products.diagonal())
    scale = np.outer(sizes, sizes)
    found = np.divide(products, scale, out=np.ones_like(products), where=scale > 0)
    np.fill_diagonal(found, 1.0)
    return np.clip(found, -1, 1)


def balanced_accuracy_interval(y: np.ndarray, labels: np.ndarray) -> SampledInterval:
    """Return balanced accuracy with its interval: Wilson's of the recall of each class in `y`,
    combined by MOVER. With six positives in a hundred rows 95.5 % of such intervals hold the truth.

    y, labels  (n,) codes, actual and predicted
    """
    right = labels == y
    parts = [wilson(int(right[y == code].sum()), int((y == code).sum())) for code in np.unique(y)]
    return combine(parts, "Wilson for each class, combined by MOVER")


def f1_interval(y: np.ndarray, labels: np.ndarray, n_classes: int) -> SampledInterval:
    """Return F1 with its interval; for more than two classes that of the macro average.

    F1 = 2J/(1 + J), where J = TP/(TP + FP + FN) is a proportion of the rows that are of the class
    or held to be: Wilson's interval of J, carried over. The classes are combined by MOVER with the
    correlation that the rows show. NaN where no class is true or predicted.
    """
    counts = confusion_counts(y, labels, n_classes)
    right, either = counts.diagonal(), counts.sum(axis=0) + counts.sum(axis=1)
    codes = [1] if n_classes == 2 else list(np.flatnonzero(either))
    parts = [f1_of(int(right[code]), int(either[code] - right[code])) for code in codes]
    if len(parts) == 1:
        return parts[0]
    influences = [
        (2.0 * ((y == c) & (labels == c)) - p.score * ((y == c) + 1.0 * (labels == c))) / either[c]
        for c, p in zip(codes, parts, strict=True)
    ]
    method = "Wilson for each class, combined by MOVER"
    return combine(parts, method, correlations(np.array(influences).T))


def f1_of(right: float, rows: float) -> SampledInterval:
    """Return the F1 of one class with its interval: `rows` are of the class or held to be, `right`
    are both."""
    shares = wilson(right, rows)
    ends = np.array([shares.score, shares.low, shares.high], dtype=float)
    score, low, high = (float(value) for value in 2 * ends / (1 + ends))
    return SampledInterval(score, low, high, "Wilson of the Jaccard index")
