"""What a learner is given of a fold, and what it returns: a model that predicts on raw rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ninefold.study.training import Trained


@dataclass(frozen=True)
class Part:
    """What one fold gives a learner: the numbers of the rows it is fitted on and watched on, a
    seed, and the name that a message calls it by."""

    train: np.ndarray
    validation: np.ndarray
    seed: int
    name: str = ""


@dataclass(frozen=True)
class Fitted:
    """A trained model with its preparation: raw rows in, probabilities (n, K) or numbers (n, 1)
    out; `predict_numbers` takes the numbers of a task's rows instead."""

    predict: Callable[[Any], np.ndarray]
    predict_numbers: Callable[[np.ndarray], np.ndarray]
    seconds: float
    preparation: Any
    load: Callable[[], Any]  # returns the model itself
    target: Any = None  # the target's fitted scaler, for a network's regression
    trained: Trained = field(default_factory=Trained)

    @property
    def model(self) -> Any:
        """Return the Keras model with this fold's weights, or the estimator."""
        return self.load()
