"""What is judged: the rows, what is asked of them, how much each weighs in training."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ninefold.study.preparation import take_rows


@dataclass(frozen=True)
class Task:
    """The rows and what is asked of them.

    X        (n, features) frame or array, or images; as it came, unprepared
    y        (n,) class codes 0 … K−1, or numbers
    classes  labels in the order of their codes; empty for a regression
    weight   (n,) weights of rows, in training and where it is watched
    class_weight  class → a factor of the weights in training, or "balanced"
    """

    X: pd.DataFrame | np.ndarray
    y: np.ndarray
    classes: tuple[str, ...]
    weight: np.ndarray
    class_weight: dict[Any, float] | str | None = None

    @property
    def problem(self) -> str:
        return problem_of(self.classes)

    @property
    def outputs(self) -> int:
        """Return the number of outputs a network is told: its classes, or 1."""
        return len(self.classes) or 1

    def rows(self, numbers: np.ndarray) -> pd.DataFrame | np.ndarray:
        return take_rows(self.X, numbers)

    def weights(self, numbers: np.ndarray) -> np.ndarray:
        """Return the weights of rows in training, each multiplied by its class's weight; where rows
        are only looked at, `weight` alone counts, as in Keras."""
        y, weight = self.y[numbers], self.weight[numbers]
        if self.class_weight is None:
            return weight
        if isinstance(self.class_weight, str):  # "balanced"
            counts = np.bincount(y, minlength=len(self.classes))
            factors = len(y) / (len(self.classes) * np.maximum(counts, 1))
        else:
            by_name = {str(key): value for key, value in self.class_weight.items()}
            factors = np.array([by_name.get(name, 1.0) for name in self.classes])
        return weight * factors[y]


def problem_of(classes: tuple[str, ...]) -> str:
    """Return the kind of problem that so many classes pose; none is a regression."""
    return {0: "regression", 2: "binary"}.get(len(classes), "multiclass")
