"""A table turned into what a study works on: inputs, target, groups, and what was left out."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.settings import DataSettings
from ninefold.study.columns import (
    Column,
    as_levels,
    as_numbers,
    check_names,
    describe_columns,
    infer_problem,
)
from ninefold.study.dates import parse_dates


@dataclass(frozen=True, eq=False)  # two are the same only where they are one
class Dataset:
    """Rows ready to be split and prepared.

    X          (n, inputs) numbers float64 with NaN, categories text (object) with None
    y          (n,) float64 in a regression, else int64 codes into `classes`
    classes    the labels as text, in sorted order; () in a regression
    groups     (n,) int64, rows of one number belong together; or None
    time       (n,) numbers or datetime64 to order the rows by; or None
    identical  (n,) int64, rows alike in X share a number
    rows       (n,) the rows' labels in the table's index: their numbers in the file, from 0
    frame      the same rows as they were read, all columns
    row_notes  sentences on the rows left out
    """

    X: pd.DataFrame
    y: np.ndarray
    problem: str
    classes: tuple[str, ...]
    groups: np.ndarray | None
    time: np.ndarray | None
    identical: np.ndarray
    rows: np.ndarray
    columns: tuple[Column, ...]
    frame: pd.DataFrame
    settings: DataSettings
    row_notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.y)

    @property
    def target(self) -> str:
        return self.settings.target

    @property
    def numbers(self) -> list[str]:
        """Return the names of the inputs that are numbers."""
        return [column.name for column in self.columns if column.role == "number"]

    @property
    def categories(self) -> list[str]:
        """Return the names of the inputs that are categories."""
        return [column.name for column in self.columns if column.role == "category"]

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Return what was left out and what is odd, a sentence each."""
        return (*self.row_notes, *_column_notes(self.columns), *_identical_notes(self.identical))


def make_dataset(frame: pd.DataFrame, settings: DataSettings, problem: str = "auto") -> Dataset:
    """Make a dataset of all rows of `frame` that have a target (and a group and a time).

    Raises NinefoldError where a named column is absent, no row has a target, the target has one
    class only or a class of a single row, is text in a regression, or no input is left.
    """
    check_names(frame, settings)
    frame, row_notes = _rows_to_keep(frame, settings)
    target = frame[settings.target]
    problem, _ = infer_problem(target, problem)
    classes = () if problem == "regression" else _classes(target)
    columns = describe_columns(frame, settings, problem)
    return _assemble(frame, settings, problem, classes, columns, row_notes)


def split_dataset(
    dataset: Dataset, development: np.ndarray, holdout: np.ndarray
) -> tuple[Dataset, Dataset]:
    """Part a dataset into its development and its hold-out rows, given by position.

    The columns of both are those that the development rows alone describe: what stands in the
    hold-out rows changes nothing in the first.
    """
    inner = dataset.frame.iloc[development]
    columns = describe_columns(inner, dataset.settings, dataset.problem)
    parts = (inner, dataset.frame.iloc[holdout])
    first, second = (
        _assemble(
            part, dataset.settings, dataset.problem, dataset.classes, columns, dataset.row_notes
        )
        for part in parts
    )
    if dataset.time is None:
        return first, second
    # as read from all rows: some of them alone may look like dates of another format
    return (
        replace(first, time=dataset.time[development]),
        replace(second, time=dataset.time[holdout]),
    )


def make_inputs(frame: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """Return X for the rows of `frame`, which may be new ones, in the order of `columns`.

    Raises NinefoldError where an input is absent or a number is none.
    """
    wanted = [column for column in columns if column.role in ("number", "category")]
    absent = [f"'{column.name}'" for column in wanted if column.name not in frame.columns]
    if absent:
        raise NinefoldError(
            f"no column {', '.join(absent)}", "expected all inputs that the model was trained on"
        )
    if not wanted:
        raise NinefoldError(
            "no column can serve as an input",
            _left_out(columns),
            "give at least one number or category beside the target",
        )
    inputs = {
        column.name: (as_numbers if column.role == "number" else as_levels)(frame[column.name])
        for column in wanted
    }
    return pd.DataFrame(inputs).reset_index(drop=True)


def _assemble(
    frame: pd.DataFrame,
    settings: DataSettings,
    problem: str,
    classes: tuple[str, ...],
    columns: tuple[Column, ...],
    row_notes: tuple[str, ...],
) -> Dataset:
    X = make_inputs(frame, columns)
    y = _encode(frame[settings.target], classes)
    return Dataset(
        X=X,
        y=y,
        problem=problem,
        classes=classes,
        groups=pd.factorize(as_levels(frame[settings.group]))[0] if settings.group else None,
        time=_moments(frame[settings.time]) if settings.time else None,
        identical=_identical(X),
        rows=frame.index.to_numpy(),
        columns=columns,
        frame=frame,
        settings=settings,
        row_notes=row_notes,
    )


def _rows_to_keep(
    frame: pd.DataFrame, settings: DataSettings
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Leave out the rows that cannot be learnt from or placed in a fold."""
    total, notes = len(frame), []
    for key in ("target", "group", "time"):
        name = getattr(settings, key)
        absent = frame[name].isna().to_numpy() if name else np.zeros(len(frame), bool)
        if absent.any():
            verb = "row has" if absent.sum() == 1 else "rows have"
            notes.append(f"{absent.sum()} of {total} {verb} no {key} ('{name}'): left out.")
        frame = frame.iloc[~absent]
        if not len(frame):
            raise NinefoldError(f"no row has a value in '{name}', the {key}")
    return frame, tuple(notes)


def _classes(target: pd.Series) -> tuple[str, ...]:
    """Return the labels in sorted order, numbers as numbers."""
    counts = target.value_counts()
    single = [f"'{label}'" for label in as_levels(pd.Series(counts.index[counts == 1]))]
    if single:
        raise NinefoldError(
            f"the target '{target.name}' has a single row of {_some(single)}",
            "expected two or more of each class",
            "add rows, join classes, or leave that row out",
        )
    labels = pd.Series(target.unique())
    ordered = labels.sort_values() if labels.dtype != object else labels.astype(str).sort_values()
    return tuple(as_levels(ordered))


def _encode(target: pd.Series, classes: tuple[str, ...]) -> np.ndarray:
    if not classes:
        return as_numbers(target).to_numpy()
    code = {label: number for number, label in enumerate(classes)}
    return as_levels(target).map(code).to_numpy(dtype="int64")


def _moments(values: pd.Series) -> np.ndarray:
    dates = parse_dates(values)
    if dates is not None and dates.notna().all():
        return dates.to_numpy()
    try:
        return as_numbers(values).to_numpy()
    except NinefoldError as error:
        raise NinefoldError(
            f"{error.happened}, which is neither a date nor a number",
            todo="mend the column, or take `time` out of the settings",
        ) from None


def _identical(X: pd.DataFrame) -> np.ndarray:
    """Rows with the same inputs, whatever their target: in two folds, each would give the other's
    answer away, right or wrong."""
    return pd.factorize(pd.util.hash_pandas_object(X, index=False))[0]


def _column_notes(columns: tuple[Column, ...]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for column in columns:
        if column.role == "left out":
            reasons.setdefault(column.reason, []).append(f"'{column.name}'")
    return [f"Left out: {_some(names)} ({reason})." for reason, names in reasons.items()]


def _left_out(columns: tuple[Column, ...]) -> str:
    return " ".join(_column_notes(columns)).rstrip(".")


def _identical_notes(identical: np.ndarray) -> list[str]:
    repeats = len(identical) - len(np.unique(identical))
    if not repeats:
        return []
    found = "1 row repeats" if repeats == 1 else f"{repeats} rows repeat"
    return [f"{found} the inputs of an earlier one."]


def _some(names: list[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if names[most:] else "")
