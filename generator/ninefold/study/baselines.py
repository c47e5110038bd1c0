"""The strongest constant for each metric: what a model must beat before it has skill."""

import numpy as np

from ninefold.study.metrics import METRICS, score


def constant_prediction(metric: str, y_train: np.ndarray, n: int, n_classes: int = 0) -> np.ndarray:
    """Return the constant prediction that scores best on the training rows, for `n` other rows.

    y_train  (rows,) class codes or numbers of the training rows only
    returns  (n, n_classes) probabilities, or (n,) numbers, as `metrics.score` takes them

    The commonest class for accuracy and macro F1, code 1 for F1 of two classes, 1/K for balanced
    accuracy, the class shares for log loss and Brier (and for ROC AUC and average precision,
    where every constant scores alike), the median for MAE, the mean for RMSE and R². A class with
    no training row gets the share of half a row: at a share of 0 one test row of it would cost
    the constant so much log loss that any model looked skilled.
    """
    if METRICS[metric].takes == "numbers":
        centre = np.median(y_train) if metric == "mae" else np.mean(y_train)
        return np.full(n, float(centre))
    counts = np.bincount(np.asarray(y_train).astype(int), minlength=n_classes)
    return np.tile(_constant_row(metric, counts), (n, 1))


def _constant_row(metric: str, counts: np.ndarray) -> np.ndarray:
    if metric == "balanced_accuracy":
        return np.full(len(counts), 1 / len(counts))
    if metric == "f1" and len(counts) == 2:
        return np.array([0.0, 1.0])
    if METRICS[metric].takes == "labels":
        return np.eye(len(counts))[counts.argmax()]
    shares = np.maximum(counts, 0.5)
    return shares / shares.sum()


def naive_loss(metric: str, y: np.ndarray, n_classes: int = 0) -> float:
    """Return the score of the strongest constant on the rows `y` that it is fitted on: of log
    loss, the entropy of the classes in nats; of RMSE, the standard deviation (for mean squared
    error, square it); of MAE, the mean distance from the median."""
    constant = constant_prediction(metric, y, len(y), n_classes)
    return score(metric, y, constant, n_classes=n_classes)
