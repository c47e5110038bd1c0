"""What guessing scores, by metrics for which it scores more than any constant answer does.

A constant ties all rows: for average precision that scores less than a random order. For the macro
average of F1 it finds one class only: that scores less than guessing each class at its share.
Set beside a constant, a model of pure noise would have skill.
"""

import numpy as np

RANKED = ("roc_auc", "average_precision")
CONSTANT = "strongest constant"


def chance_score(metric: str, y: np.ndarray, n_classes: int) -> float | None:
    """Return what guessing is expected to score on rows; None for metrics by which no guess is
    expected to score more than the strongest constant, and for own ones.

    y  (n,) class codes

    ROC AUC: 1/2; average precision: that of a random order (of two classes of code 1, of more the
    mean over the classes, each against the rest). F1 of more than two classes, and balanced
    accuracy: 1 in the number of classes in `y`. NaN for a ranking where a class has no row.
    """
    if n_classes == 0 or metric not in (*RANKED, "balanced_accuracy", "f1"):
        return None
    counts = np.bincount(np.asarray(y).astype(int), minlength=n_classes)
    if metric in RANKED and not counts.all():
        return float("nan")
    if metric == "roc_auc":
        return 0.5
    if metric == "average_precision":
        scored = counts[1:] if n_classes == 2 else counts
        return float(np.mean([expected_average_precision(len(y), int(own)) for own in scored]))
    return None if metric == "f1" and n_classes == 2 else 1 / int(np.count_nonzero(counts))


def chance_without(metric: str, y: np.ndarray, n_classes: int) -> np.ndarray | None:
    """Return what guessing is expected to score without each row in turn, (n,), or None."""
    if chance_score(metric, y, n_classes) is None:
        return None
    found = np.full(n_classes, np.nan)
    for code in np.unique(y):
        found[code] = chance_score(metric, np.delete(y, np.argmax(y == code)), n_classes)
    return found[y]


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


def name_of_naive(metric: str, n_classes: int) -> str:
    """Return what a reader should call the naive model of a metric."""
    if metric in RANKED:
        return "random ranking"
    return "random guess" if metric == "f1" and n_classes > 2 else CONSTANT
