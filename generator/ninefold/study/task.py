"""What is judged: the rows, what is asked of them, how much each weighs in training."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.study.preparation import take_rows


@dataclass(frozen=True)
class Task:
    """The rows and what is asked of them.

    X        the rows, unprepared: a frame, an array, or whatever else an estimator takes
    y        (n,) class codes 0 … K−1, or numbers
    classes  names of the labels in the order of their codes; empty for a regression
    weight   (n,) weights of rows, in training and where it is watched
    class_weight  name of a class → a factor of the weights in training, or "balanced"
    labels   (K,) the labels as y has them, which estimators are given; None: `classes`
    """

    X: Any
    y: np.ndarray
    classes: tuple[str, ...]
    weight: np.ndarray
    class_weight: dict[str, float] | str | None = None
    labels: np.ndarray | None = None

    @property
    def problem(self) -> str:
        return problem_of(self.classes)

    @property
    def outputs(self) -> int:
        """Return the number of outputs a network is told: its classes, or 1."""
        return len(self.classes) or 1

    def rows(self, numbers: np.ndarray) -> Any:
        return take_rows(self.X, numbers)

    def named(self, y: np.ndarray) -> np.ndarray:
        """Return codes as the labels that y has; numbers as they are."""
        return self._labels[y] if self.classes else y

    def codes(self, labels: Any) -> np.ndarray:
        """Return labels as codes (n,). Raises NinefoldError for one that y does not have."""
        given, known = np.asarray(labels), self._labels
        try:
            codes = np.searchsorted(known, given).clip(0, len(known) - 1)
        except TypeError:  # text against numbers
            codes = np.zeros(len(given), dtype=int)
        strange = given[np.asarray(known[codes] != given)]
        if len(strange):
            names = ", ".join(self.classes[:8])
            raise NinefoldError(
                f"the model answers {strange[0]}", f"expected a label of y ({names}, …)"
            )
        return codes

    @property
    def _labels(self) -> np.ndarray:
        return np.array(self.classes) if self.labels is None else self.labels

    def weights(self, numbers: np.ndarray) -> np.ndarray:
        """Return the weights of rows in training, each multiplied by its class's weight; where rows
        are only looked at, `weight` alone counts, as in Keras."""
        y, weight = self.y[numbers], self.weight[numbers]
        if self.class_weight is None:
            return weight
        if isinstance(self.class_weight, str):  # "balanced"
            counts = np.bincount(y, minlength=len(self.classes))
            factors = len(y) / (np.count_nonzero(counts) * np.maximum(counts, 1))
        else:
            factors = np.array([self.class_weight.get(name, 1.0) for name in self.classes])
        return weight * factors[y]


def problem_of(classes: tuple[str, ...]) -> str:
    """Return the kind of problem that so many classes pose; none is a regression."""
    return {0: "regression", 2: "binary"}.get(len(classes), "multiclass")
