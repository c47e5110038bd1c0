"""The naive model of each metric, the strongest constant or a random guess: what a model must beat
before it has skill."""

import numpy as np

from ninefold.study.metrics import METRICS, Metric, score
from ninefold.study.statistics.chance import chance_score


def constant_prediction(
    metric: str | Metric, y_train: np.ndarray, n: int, n_classes: int = 0
) -> np.ndarray:
    """Return the constant prediction that scores best on the training rows, for `n` other rows.

    y_train  (rows,) class codes or numbers of the training rows only
    returns  (n, n_classes) probabilities, or (n,) numbers, as `metrics.score` takes them

    The commonest class for accuracy and macro F1, code 1 for F1 of two classes, 1/K for balanced
    accuracy, the class shares for log loss and Brier (and for ROC AUC and average precision,
    where every constant scores alike: `score_naive` has what they are judged by), the median for
    MAE, the mean for RMSE and R². A class with no training row gets the share of half a row: at a
    share of 0 one test row of it would cost the constant so much log loss that any model looked
    skilled.

    For an own metric, the best of the classes, of the class shares and 1/K, or of mean and median,
    as it takes labels, probabilities or numbers; of equals the first named, the commonest class.
    """
    metric = METRICS[metric] if isinstance(metric, str) else metric
    if metric.takes == "numbers":
        candidates = _numbers(metric, np.asarray(y_train, dtype=float))
    else:
        counts = np.bincount(np.asarray(y_train).astype(int), minlength=n_classes)
        candidates = _rows(metric, counts)
    best = candidates[0]
    if len(candidates) > 1:
        best = max(candidates, key=lambda one: _worth(metric, y_train, one, n_classes))
    return np.array([best] * n)


def _numbers(metric: Metric, y: np.ndarray) -> list[np.ndarray]:
    mean, median = np.array(np.mean(y)), np.array(np.median(y))
    if metric.function is not None:
        return [mean, median]
    return [median if metric.name == "mae" else mean]


def _rows(metric: Metric, counts: np.ndarray) -> list[np.ndarray]:
    alike, each = np.full(len(counts), 1 / len(counts)), np.eye(len(counts))
    if metric.takes in ("ranking", "probabilities"):
        shares = np.maximum(counts, 0.5)
        return [shares / shares.sum(), *([alike] if metric.function else [])]
    if metric.function is not None:
        return list(each[np.argsort(-counts, kind="stable")])
    if metric.name == "balanced_accuracy":
        return [alike]
    return [each[1] if metric.name == "f1" and len(counts) == 2 else each[counts.argmax()]]


def _worth(metric: Metric, y: np.ndarray, constant: np.ndarray, n_classes: int) -> float:
    found = score(metric, y, np.array([constant] * len(y)), n_classes=n_classes)
    if np.isnan(found):
        return -np.inf
    return found if metric.greater_is_better else -found


def score_naive(
    metric: str | Metric, y_train: np.ndarray, y: np.ndarray, n_classes: int = 0
) -> float:
    """Return the naive model's score on the rows `y`: what guessing is expected to score where that
    is more than a constant does (`chance_score`), else that of the strongest constant for
    `y_train`."""
    metric = METRICS[metric] if isinstance(metric, str) else metric
    chance = None if metric.function else chance_score(metric.name, y, n_classes)
    if chance is not None:
        return chance
    constant = constant_prediction(metric, y_train, len(y), n_classes)
    return score(metric, y, constant, n_classes=n_classes)


def naive_loss(metric: str | Metric, y: np.ndarray, n_classes: int = 0) -> float:
    """Return the score of the naive model on the rows `y` that it is fitted on: of log loss, the
    entropy of the classes in nats; of RMSE, the standard deviation (for mean squared error, square
    it); of MAE, the mean distance from the median; of average precision, the random ranking's."""
    return score_naive(metric, y, y, n_classes)
