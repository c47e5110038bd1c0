"""The metrics: what each is called, in which range it lies, how it is scored, which one decides."""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.study.formulas import FORMULAS
from ninefold.suggestions import did_you_mean

Takes = Literal["labels", "ranking", "probabilities", "numbers"]
Function = Callable[[np.ndarray, np.ndarray], Any]


@dataclass(frozen=True)
class Metric:
    """One metric, of ninefold's or the user's own.

    takes            what it compares with the truth: predicted classes, what ranks the rows (an
                     estimator's decision, else probabilities), probabilities, numbers
    lowest, highest  its range, over all problems (see `limits`)
    margin           of practical equality: of a score, in its units; of a loss, as a share of the
                     naive model's
    function         of an own metric: f(y_true, y_pred) → number, called once for each fold with
                     scikit-learn's arguments. For "labels" both are labels as y has them; for
                     "ranking" and "probabilities" y_pred is (n,) of the last label in sorted order
                     where there are two, else (n, K). NaN says that it is not defined on these rows

    >>> Metric("cost", "cost, €", False, "labels", lowest=0, function=mean_cost)
    """

    name: str
    label: str
    greater_is_better: bool
    takes: Takes
    lowest: float = -np.inf
    highest: float = np.inf
    margin: float = 0.01
    function: Function | None = None

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
        Metric("roc_auc", "ROC AUC", True, "ranking", 0, 1),
        Metric("average_precision", "average precision", True, "ranking", 0, 1),
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
    "balanced_accuracy": "roc_auc",  # which looks at both classes alike, as this does
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
    metric: str | Metric, y: np.ndarray, prediction: np.ndarray, *, n_classes: int = 0
) -> float:
    """Score predictions by a metric; by ninefold's own as scikit-learn does (see `formulas`).

    y           (n,) class codes 0 … n_classes − 1, or numbers
    prediction  (n, n_classes) probabilities, two columns for two classes too; or (n,) numbers. For
                ROC AUC and average precision any numbers that rank the rows

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

    Raises NinefoldError for an unknown metric, a wrong shape, rows that are not probabilities, and
    an own metric that fails or returns no number of its range.
    """
    metric = _known(metric)
    y, found = np.asarray(y), np.asarray(prediction, dtype=float)
    shape: tuple[int, ...] = (len(y),) if metric.takes == "numbers" else (len(y), n_classes)
    if found.shape != shape or len(y) == 0:
        raise NinefoldError(
            f"{metric.label}: the predictions have the shape {found.shape}",
            f"expected {shape}, of one row at least",
        )
    if not np.isfinite(found).all():
        return float("nan")
    y = y.astype(float if metric.takes == "numbers" else int)
    if metric.takes == "probabilities":
        found = as_distribution(found)
    if metric.function is None:
        return float(FORMULAS[metric.name](y, found))
    return _score_own(metric, metric.function, y, found)


def _score_own(metric: Metric, function: Function, y: np.ndarray, found: np.ndarray) -> float:
    if metric.takes == "labels":
        found = found.argmax(axis=1)
    elif metric.takes != "numbers" and found.shape[1] == 2:
        found = found[:, 1]
    try:
        value = function(y, found)
    except Exception as error:
        raise NinefoldError(
            f"the metric '{metric.name}' failed: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(value, Real) or np.isinf(float(value)):
        shown = value if isinstance(value, Real) else type(value).__name__
        raise NinefoldError(
            f"the metric '{metric.name}' returned {shown}",
            "expected a finite number, or NaN where it is not defined",
        )
    number = float(value)
    if number < metric.lowest or number > metric.highest:
        raise NinefoldError(
            f"the metric '{metric.name}' returned {number}",
            f"its range is {metric.lowest} to {metric.highest}",
        )
    return number


def as_distribution(found: np.ndarray) -> np.ndarray:
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


def practical_margin(metric: str | Metric, naive_score: float) -> float:
    """Return the difference below which two scores are practically equal: 0.01 of a score, 1 %
    of the naive model's of a loss (`naive_score`; R²'s 0.01 is 1 % of the naive squared error);
    of an own metric, its own."""
    metric = _known(metric)
    return metric.margin if metric.greater_is_better else metric.margin * abs(naive_score)


def _known(metric: str | Metric) -> Metric:
    if isinstance(metric, Metric):
        return metric
    if metric not in METRICS:
        raise NinefoldError(f"unknown metric '{metric}'", did_you_mean(metric, METRICS))
    return METRICS[metric]
