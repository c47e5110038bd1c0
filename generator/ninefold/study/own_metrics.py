"""The user's own metrics: what is taken for one, and which labels it is given."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.study.metrics import METRICS, Function, Metric, Takes

# https://scikit-learn.org/stable/modules/model_evaluation.html: "functions ending with _score
# return a value to maximize, … _error, _loss, or _deviance return a value to minimize"
_BETTER = {"_score": True, "_error": False, "_loss": False, "_deviance": False}
_RESERVED = {*METRICS, "repeat", "fold"}


def make_own(given: Any, problem: str, labels: np.ndarray | None) -> Metric:
    """Return the metric that the user gave: a `Metric` with a function, or the function alone.

    A function alone takes the predicted labels, or the numbers of a regression; its name says by
    scikit-learn's endings whether greater is better.

    labels  in the order of their codes, as y has them; None for a regression

    Raises NinefoldError for what is neither, does not fit the problem, or has no name of its own.
    """
    metric = given if isinstance(given, Metric) else _from_function(given, problem)
    if metric.function is None:
        raise NinefoldError(
            f"the metric '{metric.name}' has no function", todo="give it one: function=…"
        )
    if metric.name in _RESERVED:
        raise NinefoldError(f"an own metric is named '{metric.name}'", "expected a name of its own")
    if (metric.takes == "numbers") != (problem == "regression"):
        raise NinefoldError(
            f"the metric '{metric.name}' takes {metric.takes}",
            f"this does not fit a {problem} problem",
        )
    if labels is None:
        return metric
    name_both = metric.takes == "labels"
    return replace(metric, function=partial(_with_labels, metric.function, labels, name_both))


def _from_function(given: Any, problem: str) -> Metric:
    name = getattr(given, "__name__", None)
    if not callable(given) or name is None:
        raise NinefoldError(
            f"{' '.join(repr(given).split())[:60]} is no metric with a name",
            "expected a metric's name, a function f(y_true, y_pred), or a ninefold.Metric",
            "give ninefold.Metric(…, function=f); of scikit-learn's make_scorer(f), the f",
        )
    ending = next((ending for ending in _BETTER if name.endswith(ending)), None)
    if ending is None:
        raise NinefoldError(
            f"the metric {name} does not say whether greater is better",
            f"expected a function whose name ends with {', '.join(_BETTER)}",
            "rename it, or give ninefold.Metric(name, label, greater_is_better, takes, function=…)",
        )
    takes: Takes = "numbers" if problem == "regression" else "labels"
    return Metric(name, name.replace("_", " "), _BETTER[ending], takes, function=given)


def _with_labels(
    function: Function, labels: np.ndarray, name_both: bool, y: np.ndarray, found: np.ndarray
) -> Any:
    return function(labels[y], labels[found] if name_both else found)


def must_differ(metrics: Sequence[Metric]) -> None:
    """Raise NinefoldError where two metrics have one name."""
    names = [metric.name for metric in metrics]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise NinefoldError(f"the metric '{twice[0]}' is given twice", "expected each name once")
