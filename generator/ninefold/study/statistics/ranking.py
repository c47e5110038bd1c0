"""What a random ranking scores: what ROC AUC and average precision must exceed before a model has
skill. A constant ties all rows, which for average precision scores less than a random order does.
"""

import numpy as np

RANKED = ("roc_auc", "average_precision")


def expected_average_precision(n: int, positives: int) -> float:
    """Return the expected average precision of `n` rows, `positives` of them, in random order:
    [H_n + (P − 1)/(n − 1)·(n − H_n)]/n, H_n = 1 + 1/2 + … + 1/n (Bestgen 2015, "Exact expected
    average precision of the random baseline for system evaluation", *PBML* 103).

    It exceeds the share P/n, in small samples by far: 2 of 30 rows, 0.163 instead of 0.067. NaN
    where no row is positive.

    >>> expected_average_precision(2, 1)
    0.75
    """
    if not 0 < positives <= n:
        return float("nan")
    if n == 1:
        return 1.0
    harmonic = float(np.sum(1 / np.arange(1, n + 1)))
    return (harmonic + (positives - 1) / (n - 1) * (n - harmonic)) / n


def random_ranking(metric: str, y: np.ndarray, n_classes: int) -> float:
    """Return what ROC AUC or average precision is expected to be where rows are ranked at random.

    y  (n,) class codes. Of two classes it is code 1's; of more, the mean over the classes, each
       against the rest. NaN where a class has no row, as for `metrics.score`
    """
    counts = np.bincount(np.asarray(y).astype(int), minlength=n_classes)
    if not counts.all():
        return float("nan")
    if metric == "roc_auc":
        return 0.5
    looked_at = counts[1:] if n_classes == 2 else counts
    return float(np.mean([expected_average_precision(len(y), int(rows)) for rows in looked_at]))
