"""The metrics: what each is called, in which range it lies, how it is scored, which one decides."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.suggestions import did_you_mean


@dataclass(frozen=True)
class Metric:
    """One metric.

    takes            what it compares with the truth: the likeliest class, probabilities, numbers
    lowest, highest  its range, over all problems (see `limits`)
    margin           of practical equality: of a loss, as a share of the naive model's
    """

    name: str
    label: str
    greater_is_better: bool
    takes: Literal["labels", "probabilities", "numbers"]
    lowest: float
    highest: float
    margin: float = 0.01

    def limits(self, n_classes: int = 0) -> tuple[float, float]:
        """Return its range for that many classes: Brier's is 0 to 1 for two, else 0 to 2."""
        return (
            (0.0, 1.0) if self.name == "brier" and n_classes == 2 else (self.lowest, self.highest)
        )


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "accuracy", True, "labels", 0, 1),
        Metric("balanced_accuracy", "balanced accuracy", True, "labels", 0, 1),
        Metric("f1", "F1", True, "labels", 0, 1),
        Metric("roc_auc", "ROC AUC", True, "probabilities", 0, 1),
        Metric("average_precision", "average precision", True, "probabilities", 0, 1),
        Metric("log_loss", "log loss", False, "probabilities", 0, np.inf),
        Metric("brier", "Brier score", False, "probabilities", 0, 2),
        Metric("rmse", "RMSE", False, "numbers", 0, np.inf),
        Metric("mae", "MAE", False, "numbers", 0, np.inf),
        Metric("r2", "R²", True, "numbers", -np.inf, 1),
    )
}

_BESIDE = {
    "log_loss": "accuracy",
    "brier": "accuracy",
    "accuracy": "log_loss",
    "average_precision": "balanced_accuracy",
    "balanced_accuracy": "average_precision",
    "f1": "average_precision",
    "roc_auc": "balanced_accuracy",
    "rmse": "r2",
    "mae": "r2",
    "r2": "rmse",
}


def shown_beside(name: str) -> str:
    """Return the metric that a reader should see beside the deciding one."""
    return _BESIDE[name]


def metrics_for(problem: str) -> tuple[str, ...]:
    """Return the names of the metrics that fit "regression", "binary" or "multiclass"."""
    if problem not in _PROBLEMS:
        raise NinefoldError(f"unknown problem '{problem}'", did_you_mean(problem, _PROBLEMS))
    regression = problem == "regression"
    return tuple(m.name for m in METRICS.values() if (m.takes == "numbers") == regression)


_PROBLEMS = ("regression", "binary", "multiclass")


def score(
    name: str,
    y: np.ndarray,
    prediction: np.ndarray,
    *,
    n_classes: int = 0,
    sample_weight: np.ndarray | None = None,
) -> float:
    """Score predictions with scikit-learn.

    y           (n,) class codes 0 … n_classes − 1, or numbers
    prediction  (n, n_classes) probabilities, two columns for two classes too; or (n,) numbers

    The predicted class is the likeliest, of equals the first. For two classes F1, ROC AUC and
    average precision are those of code 1, the last class in sorted order; for more they are the
    macro average (ROC AUC and average precision of each class against the rest). Brier is
    scikit-learn's: the squared error of code 1's probability, for more classes summed over them.
    Probabilities are clipped to 0 … 1 and each row scaled to sum to 1; log loss keeps
    scikit-learn's own distance from 0. Balanced accuracy averages over the classes in `y`.

    NaN is returned where the score is not defined: for a prediction that is not
    finite (the network diverged); for ROC AUC and average precision a class absent from `y`, for
    F1 of two classes no row of code 1, true or predicted (for more classes, one neither true nor
    predicted is left out of the average); for R² a `y` without variance.

    Raises NinefoldError for an unknown metric, a wrong shape, or rows that are not probabilities.
    """
    metric = _known(name)
    y, found = np.asarray(y), np.asarray(prediction, dtype=float)
    shape: tuple[int, ...] = (len(y),) if metric.takes == "numbers" else (len(y), n_classes)
    if found.shape != shape or len(y) == 0:
        raise NinefoldError(
            f"{metric.label}: the predictions have the shape {found.shape}",
            f"expected {shape}, of one row at least",
        )
    if not np.isfinite(found).all():
        return float("nan")
    if metric.takes == "numbers":
        value = _score_numbers(name, y.astype(float), found, sample_weight)
    elif metric.takes == "labels":
        likeliest = found.argmax(axis=1)
        value = _score_labels(name, y.astype(int), likeliest, n_classes, sample_weight)
    else:
        value = _score_probabilities(name, y.astype(int), _distribution(found), sample_weight)
    return float(value)


def _score_numbers(name: str, y: np.ndarray, found: np.ndarray, weight) -> float:
    from sklearn import metrics

    if name == "rmse":
        return metrics.root_mean_squared_error(y, found, sample_weight=weight)
    if name == "mae":
        return metrics.mean_absolute_error(y, found, sample_weight=weight)
    return np.nan if np.ptp(y) == 0 else metrics.r2_score(y, found, sample_weight=weight)


def _score_labels(name: str, y: np.ndarray, labels: np.ndarray, n_classes: int, weight) -> float:
    from sklearn import metrics

    if name == "accuracy":
        return metrics.accuracy_score(y, labels, sample_weight=weight)
    if name == "balanced_accuracy":
        return metrics.recall_score(
            y, labels, labels=np.unique(y), average="macro", sample_weight=weight
        )
    if n_classes == 2:
        return metrics.f1_score(y, labels, zero_division=np.nan, sample_weight=weight)
    every = list(range(n_classes))
    return metrics.f1_score(
        y, labels, labels=every, average="macro", zero_division=np.nan, sample_weight=weight
    )


def _score_probabilities(name: str, y: np.ndarray, found: np.ndarray, weight) -> float:
    from sklearn import metrics

    n_classes = found.shape[1]
    if name == "log_loss":
        return metrics.log_loss(y, found, labels=list(range(n_classes)), sample_weight=weight)
    one_hot = np.eye(n_classes)[y]
    if name == "brier":
        mean = metrics.mean_squared_error(one_hot, found, sample_weight=weight)
        return mean if n_classes == 2 else mean * n_classes
    if len(np.unique(y)) < n_classes:
        return np.nan
    if n_classes == 2:
        one_hot, found = y, found[:, 1]
    if name == "roc_auc":
        return metrics.roc_auc_score(one_hot, found, sample_weight=weight)
    return metrics.average_precision_score(one_hot, found, sample_weight=weight)


def _distribution(found: np.ndarray) -> np.ndarray:
    """Mend rounding; refuse what are no probabilities, such as a network's bare logits."""
    sums = found.sum(axis=1, keepdims=True)
    if found.min() < -0.01 or found.max() > 1.01 or np.abs(sums - 1).max() > 0.01:
        raise NinefoldError(
            "the predictions are not probabilities",
            "expected numbers from 0 to 1 that sum to 1 in each row",
            "give the last layer the activation 'softmax', or 'sigmoid' for two classes",
        )
    clipped = np.clip(found, 0, 1)
    return clipped / clipped.sum(axis=1, keepdims=True)


def deciding_metric(y: np.ndarray, problem: str, setting: str = "auto") -> tuple[str, str]:
    """Return the metric that decides, and why in a clause.

    y        (n,) class codes or numbers of the development rows
    setting  a metric's name, or "auto": declared by the data

    Classification: log loss; average precision where a class is rare, that is under a fifth of
    the rows of two classes (for K classes under two fifths of an equal share 1/K). Average
    precision looks at code 1: where code 0 is the rare one, balanced accuracy decides. Regression:
    RMSE; MAE for a long tail, that is where more than 1 % of the rows, and two at least, lie far
    out, over three interquartile ranges beyond a quartile (Tukey 1977, *Exploratory Data
    Analysis*, 2D). A normal sample has 0.0002 % there, an exponential one 0.9 %, a log-normal one
    3 %. Where the quartiles coincide there is no such measure: RMSE.

    Raises NinefoldError for a metric that does not exist or does not fit the problem.
    """
    fitting = metrics_for(problem)
    if setting != "auto":
        if setting not in fitting:
            what = "does not fit" if setting in METRICS else "is none of those for"
            hint = "" if setting in METRICS else did_you_mean(setting, fitting)
            raise NinefoldError(
                f"the metric '{setting}' {what} a {problem} problem",
                hint,
                f"choose one of {', '.join(fitting)}",
            )
        return setting, "as the settings say"
    if problem == "regression":
        return _deciding_regression(np.asarray(y, dtype=float))
    return _deciding_classification(np.asarray(y).astype(int))


def _deciding_regression(y: np.ndarray) -> tuple[str, str]:
    if has_long_tail(y):
        return "mae", "the target has a long tail, whose few rows would rule the squared errors"
    return "rmse", "the target has no long tail, and large errors should weigh more"


def has_long_tail(y: np.ndarray) -> bool:
    """Return whether over 1 % of the numbers, and two at least, lie far out (Tukey 1977)."""
    low, high = np.quantile(y, [0.25, 0.75])
    reach = 3 * (high - low)
    far_out = np.count_nonzero((y < low - reach) | (y > high + reach))
    return bool(reach > 0 and far_out > max(1, 0.01 * len(y)))


def _deciding_classification(y: np.ndarray) -> tuple[str, str]:
    counts = np.bincount(y)
    counts = counts[counts > 0]
    if counts.min() / counts.sum() >= 0.4 / len(counts):
        return "log_loss", "no class is rare, and the probabilities themselves are judged"
    if len(counts) == 2 and counts[0] < counts[1]:
        return (
            "balanced_accuracy",
            "the first class is rare; average precision would look at the other one",
        )
    return "average_precision", "a class is rare, and accuracy would hardly notice it"


def practical_margin(name: str, naive_score: float) -> float:
    """Return the difference below which two scores are practically equal: 0.01 of a score, 1 %
    of the naive model's of a loss (`naive_score`; R²'s 0.01 is 1 % of the naive squared error)."""
    metric = _known(name)
    return metric.margin if metric.greater_is_better else metric.margin * naive_score


def _known(name: str) -> Metric:
    if name not in METRICS:
        raise NinefoldError(f"unknown metric '{name}'", did_you_mean(name, METRICS))
    return METRICS[name]
