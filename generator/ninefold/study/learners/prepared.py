"""The inputs of a fold, prepared once by what its training rows tell; shared between variants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ninefold.errors import naming
from ninefold.study.learners.fitted import Part
from ninefold.study.preparation import as_numbers
from ninefold.study.task import Task
from ninefold.study.training import PLAIN, Form, Traces

MOST_BYTES = 2**29  # of prepared inputs that are kept for the next variant


@dataclass(frozen=True)
class Shared:
    """What the variants of one harness need not do again: traces, prepared folds."""

    traces: Traces = field(default_factory=Traces)
    prepared: dict[tuple, "Prepared"] = field(default_factory=dict)


class Prepared:
    """The inputs of one fold, by a preparation fitted on the rows it trains on."""

    def __init__(self, prepare: Any, task: Task, train: np.ndarray):
        self.preparation = fit_preparation(prepare, task, train)
        self._task = task
        self._inputs: dict[bytes, np.ndarray] = {}
        self.form = PLAIN

    def inputs(self, numbers: np.ndarray) -> np.ndarray:
        """Return the prepared rows of those numbers, (n, …) float32, prepared once."""
        key = numbers.tobytes()
        if key not in self._inputs:
            rows = self._task.rows(numbers)
            self._inputs[key], self.form = as_input(self.preparation, rows)
        return self._inputs[key]

    @property
    def bytes(self) -> int:
        return sum(x.nbytes for x in self._inputs.values())


def have_one_width(prepared: Sequence[Prepared], parts: Sequence[Part]) -> bool:
    """Tell whether all folds give a network as many inputs: a transformer of the user's may find
    other columns in another fold."""
    folds = zip(prepared, parts, strict=True)
    return len({(inputs.inputs(part.train).shape[1:], inputs.form) for inputs, part in folds}) == 1


def fit_preparation(prepare: Any, task: Task, train: np.ndarray) -> Any:
    """Return a preparation fitted on the rows `train`; None where X goes in as it is."""
    from sklearn.base import clone

    if prepare is None:
        return None
    return clone(prepare).fit(task.rows(train), task.named(task.y[train]))


def as_input(preparation: Any, rows: Any) -> tuple[np.ndarray, Form]:
    """Return raw rows as a network takes them (n, …) float32; several inputs as one table, with
    the form that parts it."""
    prepared = rows if preparation is None else preparation.transform(rows)
    if not isinstance(prepared, Mapping):
        return as_numbers(prepared), PLAIN
    parts = {}
    for name, part in prepared.items():
        with naming(f"the input '{name}'"):
            parts[name] = as_numbers(part)
    shapes = tuple((name, part.shape[1:]) for name, part in parts.items())
    return np.hstack([part.reshape(len(part), -1) for part in parts.values()]), Form(shapes)


def width_of(x: np.ndarray, form: Form) -> Any:
    """Return what a model function is told as `inputs`: the width of a row, or its shape; of
    several inputs a mapping to such."""
    if form.inputs:
        return {name: _width(shape) for name, shape in form.inputs}
    return _width(x.shape[1:])


def _width(shape: tuple[int, ...]) -> Any:
    return shape[0] if len(shape) == 1 else shape
