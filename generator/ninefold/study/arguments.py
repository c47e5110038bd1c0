"""What `evaluate` is given, checked and turned into a task, its splits and its metrics."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Real
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import check_cv

from ninefold.errors import NinefoldError, must_be_whole, naming
from ninefold.study.learners import asked_problem
from ninefold.study.metrics import METRICS, Metric, deciding_metric, metrics_for
from ninefold.study.own_metrics import make_own, must_differ
from ninefold.study.preparation import read_inputs, rows_of
from ninefold.study.splits import Fold, derive_seed, make_folds, plan_folds, take_share
from ninefold.study.task import Task
from ninefold.study.time_order import find_blocks, is_ordered, take_last
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
    outputs = {name: _different_labels(np.asarray(values)) for name, values in y.items()}
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
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or len(values) != rows:
        raise NinefoldError(
            f"y has the shape {values.shape} and X {rows} rows",
            "expected one y for each row",
        )
    if values.dtype == object:
        values = pd.Series(values).infer_objects().to_numpy(dtype=None)
    if pd.isna(values).any():
        raise NinefoldError("y has missing values", todo="leave these rows out")
    if values.dtype.kind in "fc" and not np.isfinite(values).all():
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
    _check_class_weight(class_weight, classes)
    weight = np.ones(len(codes)) if sample_weight is None else np.asarray(sample_weight, float)
    _must_match("sample_weight", weight, len(codes))
    if not np.isfinite(weight).all() or weight.min() < 0 or not weight.any():
        wrong = "missing or infinite" if not np.isfinite(weight).all() else "negative"
        said = f"sample_weight has {wrong} values" if weight.any() else "sample_weight is all 0"
        raise NinefoldError(
            said, "expected finite numbers of 0 or more", "mend them, or leave it out"
        )
    return Task(inputs, codes, classes, weight, class_weight, labels)


def _has_labels(values: np.ndarray, problem: str, ask: Callable[[int], str]) -> bool:
    """Tell whether y has labels, not numbers. Whole numbers may be either: then `problem` says it,
    else the models, else how many different ones there are."""
    numeric = values.dtype.kind in "iuf"
    whole = numeric and bool(np.all(np.mod(values, 1) == 0))
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
    fractions = values.dtype.kind == "f" and bool(np.any(np.mod(values, 1) != 0))
    different = len(set(values.ravel().tolist()))
    numbers = values.dtype.kind in "iuf" and different > _MOST_CODES
    return 1 if fractions or numbers else different


def _encode(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels over all rows in sorted order, and their codes; numbers stay numbers."""
    kinds = {type(value).__name__ for value in values.tolist()}
    if len(kinds) > 1:
        named = {kind: next(v for v in values.tolist() if type(v).__name__ == kind)
                 for kind in sorted(kinds)}  # fmt: skip
        shown = " and ".join(f"{value!r} ({kind})" for kind, value in named.items())
        raise NinefoldError(f"y has labels of several types: {shown}", "expected one type")
    labels, codes = np.unique(values, return_inverse=True)
    if len(labels) < 2:
        raise NinefoldError(f"y has one class only, {labels[0]}", "expected at least two")
    return labels, codes


def _check_class_weight(class_weight: Any, classes: tuple[str, ...]) -> None:
    if class_weight is None:
        return
    if not classes:
        raise NinefoldError("class_weight is given for a regression", todo="leave it out")
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise NinefoldError(
                f"class_weight={class_weight!r}", 'expected class → weight, or "balanced"'
            )
        return
    unknown = [str(name) for name in class_weight if str(name) not in classes]
    if unknown:
        raise NinefoldError(
            f"class_weight names the class '{unknown[0]}', which y does not have",
            did_you_mean(unknown[0], classes),
        )


def _must_match(name: str, values: np.ndarray, rows: int) -> None:
    if values.shape != (rows,):
        raise NinefoldError(
            f"{name} has the shape {values.shape} and X {rows} rows", "expected one for each row"
        )


def make_splits(
    task: Task,
    *,
    folds: int,
    repeats: int,
    validation: float,
    seed: int,
    splitter: Any = None,
    groups: Any = None,
) -> list[Fold]:
    """Return the splits of a task's rows: folds × repeats, or those of a scikit-learn splitter.

    Raises NinefoldError where the rows cannot fill them.
    """
    for name, number, least in (("folds", folds, 2), ("repeats", repeats, 1), ("seed", seed, 0)):
        must_be_whole(name, number, least)
    if isinstance(validation, bool) or not isinstance(validation, Real) or not 0 <= validation < 1:
        raise NinefoldError(f"validation={validation!r}", "expected a share from 0 to below 1")
    ids = None
    if groups is not None:
        _must_match("groups", np.asarray(groups), len(task.y))
        ids = pd.factorize(np.asarray(groups), use_na_sentinel=False)[0]
    if splitter is not None:
        splits = _from_splitter(splitter, task, validation, seed, ids)
        for absent in absent_classes(task, splits):
            warnings.warn(f"{absent}, which cannot be predicted there", stacklevel=3)
        return splits
    smallest = int(np.bincount(task.y).min()) if task.classes else None
    plan_folds(len(task.y), smallest, None if ids is None else ids.max() + 1, folds, repeats)
    splits = make_folds(
        task.y, folds=folds, repeats=repeats, validation=validation, seed=seed,
        stratify=bool(task.classes), groups=ids,
    )  # fmt: skip
    must_be_filled(task, splits)
    return splits


def _from_splitter(
    splitter: Any, task: Task, validation: float, seed: int, groups: np.ndarray | None
) -> list[Fold]:
    """Take the splitter's folds; where they are ordered in time, the inner validation split is the
    last share of each training fold, else drawn as `take_share` does."""
    pairs = _split(splitter, task, groups)
    # the repeated splitters of scikit-learn number all their folds through
    per_repeat = getattr(splitter, "cvargs", {}).get("n_splits", len(pairs))
    ordered, made = is_ordered(pairs), []
    for number, (outer, test) in enumerate(pairs):
        outer = np.sort(outer) if ordered else outer
        part = None if groups is None else groups[outer]
        if ordered:
            held = take_last(find_blocks(outer if part is None else part), validation)
        else:
            held = take_share(
                task.y[outer], validation, derive_seed(seed, number),
                stratify=bool(task.classes), groups=part,
            )  # fmt: skip
        repeat, fold = divmod(number, per_repeat)
        made.append(Fold(repeat, fold, np.delete(outer, held), outer[held], test))
    return made


def _split(
    splitter: Any, task: Task, groups: np.ndarray | None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (training rows, test rows) of each fold; raise where they are none."""
    if isinstance(splitter, str) or not callable(getattr(splitter, "split", None)):
        try:
            splitter = check_cv(splitter, task.y, classifier=bool(task.classes))
        except (ValueError, TypeError):
            raise NinefoldError(
                f"splitter={_short(splitter)}",
                "expected a splitter of scikit-learn, such as KFold(5), a number of folds, or for "
                "each of them the numbers of rows to train and to test on",
            ) from None
    called = _short(splitter)
    try:
        with warnings.catch_warnings():  # a group that is ignored and parted is refused below
            warnings.filterwarnings("ignore", "The groups parameter is ignored")
            X = task.y if isinstance(task.X, Mapping) else task.X
            found = splitter.split(X, task.y, groups)
            pairs = [(np.asarray(train), np.asarray(test)) for train, test in found]
    except (ValueError, TypeError, IndexError) as error:
        rows = len(task.y)
        raise NinefoldError(f"{called} cannot split these {rows} rows: {error}") from None
    if not pairs:
        raise NinefoldError(f"{called} makes no fold")
    for number, (train, test) in enumerate(pairs, start=1):
        name = f"fold {number} of {called}"
        if not len(train) or not len(test):
            raise NinefoldError(f"{name} has no row to train or to test on")
        if np.isin(test, train).any():
            raise NinefoldError(f"{name} trains and tests on the same row")
        if groups is not None and np.isin(groups[test], groups[train]).any():
            raise NinefoldError(
                f"{name} trains and tests on rows of the same group",
                todo="take a splitter that heeds groups, such as GroupKFold, or leave them out",
            )
    return pairs


def _short(value: Any) -> str:
    shown = " ".join(repr(value).split())
    return shown if len(shown) < 60 else f"{shown[:50]} …"


def must_be_filled(task: Task, splits: Sequence[Fold]) -> None:
    for absent in absent_classes(task, splits):
        raise NinefoldError(
            absent, "every class in every training fold", "use fewer folds or join rare classes"
        )


def absent_classes(task: Task, splits: Sequence[Fold]) -> Iterator[str]:
    """Say of each fold that trains on no row of some class, which."""
    for fold in splits:
        missing = set(range(len(task.classes))) - set(task.y[fold.train].tolist())
        if missing:
            names = ", ".join(task.classes[code] for code in sorted(missing))
            yield f"{fold.name}: no training row of the class {names}"


def metrics_of(metrics: Any, output: str, outputs: Sequence[str]) -> Any:
    """Return the metrics of an output: all that fit, or those that a mapping names for it. Raises
    NinefoldError for what names no output."""
    if output == "" or metrics is None:
        return metrics
    names = ", ".join(outputs)
    if not isinstance(metrics, Mapping):
        raise NinefoldError(
            f"metrics={_short(metrics)}", f"expected output → its metrics, of the outputs {names}"
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
    given = [metrics] if isinstance(metrics, str | Metric) or callable(metrics) else list(metrics)
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
