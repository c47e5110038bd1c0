"""The inputs of a fold, prepared once by what its training rows tell; shared between variants."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ninefold.study.preparation import as_numbers
from ninefold.study.task import Task
from ninefold.study.training import Traces

MOST_BYTES = 2**29  # of prepared inputs that are kept for the next variant


@dataclass(frozen=True)
class Shared:
    """What the variants of one harness need not do again: traces, prepared folds."""

    traces: Traces = field(default_factory=Traces)
    prepared: dict[tuple[bool, bytes], "Prepared"] = field(default_factory=dict)


class Prepared:
    """The inputs of one fold, by a preparation fitted on the rows it trains on."""

    def __init__(self, prepare: Any, task: Task, train: np.ndarray):
        self.preparation = fit_preparation(prepare, task, train)
        self._task = task
        self._inputs: dict[bytes, np.ndarray] = {}

    def inputs(self, numbers: np.ndarray) -> np.ndarray:
        """Return the prepared rows of those numbers, (n, …) float32, prepared once."""
        key = numbers.tobytes()
        if key not in self._inputs:
            self._inputs[key] = as_input(self.preparation, self._task.rows(numbers))
        return self._inputs[key]

    @property
    def bytes(self) -> int:
        return sum(x.nbytes for x in self._inputs.values())


def fit_preparation(prepare: Any, task: Task, train: np.ndarray) -> Any:
    """Return a preparation fitted on the rows `train`; None where X goes in as it is."""
    from sklearn.base import clone

    if prepare is None:
        return None
    return clone(prepare).fit(task.rows(train), task.named(task.y[train]))


def as_input(preparation: Any, rows: Any) -> np.ndarray:
    """Return raw rows as a network takes them."""
    return as_numbers(rows if preparation is None else preparation.transform(rows))
