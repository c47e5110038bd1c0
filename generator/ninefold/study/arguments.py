"""What `evaluate` is given, checked and turned into tasks and their metrics."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError, naming
from ninefold.study.learners import asked_problem
from ninefold.study.metrics import METRICS, Metric, deciding_metric, metrics_for
from ninefold.study.own_metrics import make_own, must_differ
from ninefold.study.preparation import read_inputs, rows_of
from ninefold.study.splitters import must_match, short
from ninefold.study.task import Task
from ninefold.suggestions import did_you_mean

PROBLEMS = ("auto", "regression", "classification")
_MOST_CODES = 20  # whole numbers with more different values are no labels, if nobody says they are


def make_tasks(
    X: Any, y: Any, *, class_weight: Any = None, problem: Any = "auto", **given: Any
) -> dict[str, Task]:
    """Return output → its task (see `make_task`); of one y, not a mapping of outputs to such, the
    output is "". `problem` may be such a mapping, too."""
    if not isinstance(y, Mapping):
        return {"": make_task(X, y, class_weight=class_weight, problem=problem, **given)}
    if not y:
        raise NinefoldError("y is an empty mapping", "expected output → y")
    if class_weight is not None:
        raise NinefoldError(
            "class_weight is given, and y has several outputs",
            "a row has one weight for all of them", "weigh the rows by sample_weight",
        )  # fmt: skip
    X = read_inputs(X, given.get("prepare", "auto"))  # what is wrong with it is no output's
    outputs = {name: _different_labels(_as_values(values)) for name, values in y.items()}
    tasks = {}
    for name, values in y.items():
        its = of_output(problem, name, "auto")
        with naming(f"the output '{name}'"):
            tasks[name] = make_task(X, values, problem=its, outputs=outputs, output=name, **given)
    return tasks


def of_output(given: Any, output: str, otherwise: Any) -> Any:
    """Return what an argument says of an output: the same for all, or a mapping's."""
    return given.get(output, otherwise) if isinstance(given, Mapping) else given


def make_task(
    X: Any,
    y: Any,
    sample_weight: Any = None,
    class_weight: Any = None,
    *,
    builds: Mapping[str, Any] = MappingProxyType({}),
    prepare: Any = "auto",
    problem: str = "auto",
    outputs: Mapping[str, int] = MappingProxyType({}),
    output: str = "",
) -> Task:
    """Return the rows as a task, the problem as `problem` or the models, name → build, say it.

    outputs  of several outputs, each one's number of different labels, or 1; output: y's own

    Raises NinefoldError where X, y and weights do not fit.
    """
    if not isinstance(problem, str) or problem not in PROBLEMS:
        raise NinefoldError(f"problem={problem!r}", f"expected one of {', '.join(PROBLEMS)}")
    inputs = read_inputs(X, prepare)
    rows = rows_of(inputs)
    if not rows:
        raise NinefoldError("X has no rows")
    values = _as_values(y)
    if values.ndim != 1 or len(values) != rows:
        raise NinefoldError(
            f"y has the shape {values.shape} and X {rows} rows",
            "expected one y for each row",
        )
    if pd.isna(values).any():
        raise NinefoldError("y has missing values", todo="leave these rows out")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise NinefoldError("y has infinite values", "expected finite numbers")
    classes: tuple[str, ...] = ()
    labels = None

    def ask(different: int) -> str:
        asked = dict(outputs) or different
        return asked_problem(builds, inputs, values, prepare, asked, output)

    if _has_labels(values, problem, ask):
        labels, codes = _encode(values)
        classes = tuple(map(str, labels))
    else:
        codes = values.astype(float)
    by_class = _weights_of_classes(class_weight, labels)
    weight = np.ones(len(codes)) if sample_weight is None else np.asarray(sample_weight)
    must_match("sample_weight", weight, len(codes))
    weight = _as_weights("sample_weight", weight)
    return Task(inputs, codes, classes, weight, by_class, labels)


def _as_values(y: Any) -> np.ndarray:
    """Return y as an array (n,) of one type. A list keeps the types of its labels, which an array
    of NumPy's would make text of."""
    listed = isinstance(y, (list, tuple))
    values = np.asarray(y, dtype=object) if listed else np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.dtype == object and values.ndim == 1:
        values = pd.Series(values).infer_objects().to_numpy(dtype=None)
    if values.dtype.kind in "mMc":
        kinds = {"m": "spans of time", "M": "dates", "c": "complex numbers"}
        raise NinefoldError(
            f"y has {kinds[values.dtype.kind]}", "expected numbers, or labels of classes"
        )
    return values


def _as_weights(name: str, weights: np.ndarray) -> np.ndarray:
    """Return weights as floats. Raises NinefoldError where they are not all finite, 0 or more, and
    one of them above it."""
    try:
        weights = weights.astype(float)
    except (ValueError, TypeError):
        raise NinefoldError(f"{name} has values that are no numbers") from None
    wrong = "" if weights.any() else f"{name} is all 0"
    wrong = f"{name} has negative values" if (weights < 0).any() else wrong
    wrong = wrong if np.isfinite(weights).all() else f"{name} has missing or infinite values"
    if wrong:
        raise NinefoldError(
            wrong, "expected finite numbers of 0 or more", "mend them, or leave it out"
        )
    return weights


def _has_labels(values: np.ndarray, problem: str, ask: Callable[[int], str]) -> bool:
    """Tell whether y has labels, not numbers. Whole numbers may be either: then `problem` says it,
    else the models, else how many different ones there are."""
    numeric = values.dtype.kind in "iufb"  # LinearRegression takes True and False for 1 and 0
    whole = numeric and not _has_fractions(values)
    if problem == "regression" and not numeric:
        raise NinefoldError(
            f"y has labels, such as {values.tolist()[0]!r}", 'problem="regression" expects numbers'
        )
    if problem == "classification" and numeric and not whole:
        raise NinefoldError(
            f"y has fractions, such as {values[np.mod(values, 1) != 0][0]}",
            'problem="classification" expects whole numbers or names',
        )
    if not whole:
        return not numeric
    if problem == "auto":
        many = len(np.unique(values)) > _MOST_CODES
        problem = ask(_different_labels(values)) or ("regression" if many else "classification")
    return problem == "classification"


def _different_labels(values: np.ndarray) -> int:
    """Return how many different labels y would have; 1 if it looks like numbers."""
    different = len(pd.unique(values.ravel()))
    numbers = values.dtype.kind in "iuf" and different > _MOST_CODES
    return 1 if _has_fractions(values) or numbers else different


def _has_fractions(values: np.ndarray) -> bool:
    return values.dtype.kind == "f" and bool(np.any(np.mod(values, 1) != 0))


def _encode(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels over all rows in sorted order, and their codes; numbers stay numbers."""
    kinds = {type(value).__name__ for value in values.tolist()}
    if len(kinds) > 1:
        named = {kind: next(v for v in values.tolist() if type(v).__name__ == kind)
                 for kind in sorted(kinds)}  # fmt: skip
        shown = " and ".join(f"{value!r} ({kind})" for kind, value in named.items())
        raise NinefoldError(f"y has labels of several types: {shown}", "expected one type")
    if kinds - {"bool", "int", "float", "str"}:
        raise NinefoldError(
            f"y has values of the type {kinds.pop()}", "expected numbers, or labels of classes"
        )
    labels, codes = np.unique(values, return_inverse=True)
    if len(labels) < 2:
        raise NinefoldError(f"y has one class only, {labels[0]}", "expected at least two")
    return labels, codes


def _weights_of_classes(
    class_weight: Any, labels: np.ndarray | None
) -> dict[str, float] | str | None:
    """Return the name of a class → its weight, or "balanced". The keys are labels as y has them, or
    their names."""
    if class_weight is None:
        return None
    if labels is None:
        raise NinefoldError("class_weight is given for a regression", todo="leave it out")
    if isinstance(class_weight, str) and class_weight == "balanced":
        return class_weight
    if not isinstance(class_weight, Mapping | pd.Series):
        raise NinefoldError(
            f"class_weight={short(class_weight)}", 'expected class → weight, or "balanced"'
        )
    given = dict(class_weight.items())
    weights = _as_weights("class_weight", np.array(list(given.values()), dtype=object))
    found = {}
    for key, weight in zip(given, weights.tolist(), strict=True):
        named = [str(label) for label in labels.tolist() if key == label or str(key) == str(label)]
        if not named:
            raise NinefoldError(
                f"class_weight names the class '{key}', which y does not have",
                did_you_mean(str(key), [str(label) for label in labels]),
            )
        found[named[0]] = weight
    return found


def metrics_of(metrics: Any, output: str, outputs: Sequence[str]) -> Any:
    """Return the metrics of an output: all that fit, or those that a mapping names for it. Raises
    NinefoldError for what names no output."""
    if output == "" or metrics is None:
        return metrics
    names = ", ".join(outputs)
    if not isinstance(metrics, Mapping):
        raise NinefoldError(
            f"metrics={short(metrics)}", f"expected output → its metrics, of the outputs {names}"
        )
    unknown = [name for name in metrics if name not in outputs]
    if unknown:
        raise NinefoldError(f"metrics names the output '{unknown[0]}'", f"y has {names}")
    return metrics.get(output)


def choose_metrics(task: Task, metrics: Any) -> tuple[Metric, ...]:
    """Return the metrics to compute, the deciding one first; by default all that fit.

    metrics  names and own metrics (see `own_metrics.make_own`), or a single one
    """
    if metrics is None:
        decides, _ = deciding_metric(task.y, task.problem)
        names = (decides, *(name for name in metrics_for(task.problem) if name != decides))
        return tuple(METRICS[name] for name in names)
    given = [metrics] if isinstance(metrics, str | Metric) or callable(metrics) else metrics
    if not isinstance(given, list | tuple):
        raise NinefoldError(f"metrics={short(metrics)}", "expected a metric, or a list of them")
    if not given:
        raise NinefoldError("metrics is empty", "expected one metric at least, or None for all")
    chosen = [
        METRICS[deciding_metric(task.y, task.problem, one)[0]]
        if isinstance(one, str)
        else make_own(one, task.problem, task.labels)
        for one in given
    ]
    must_differ(chosen)
    return tuple(chosen)
