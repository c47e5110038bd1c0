"""What a learner is given of a fold, and what it returns: a model that predicts on raw rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.study.metrics import Takes
from ninefold.study.training import Trained


@dataclass(frozen=True)
class Part:
    """What one fold gives a learner: the numbers of the rows it is fitted on and watched on, a
    seed, the name that a message calls it by, both kinds of rows together, in order, and 1, 2 … if
    it is a fold's again, from its second, third … seed."""

    train: np.ndarray
    validation: np.ndarray
    seed: int
    name: str = ""
    given: np.ndarray | None = None
    replicate: int = 0

    @property
    def outer(self) -> np.ndarray:
        """Return the rows of the whole training fold, as given or else sorted."""
        if self.given is not None:
            return self.given
        return np.sort(np.concatenate([self.train, self.validation]))


@dataclass(frozen=True)
class Answer:
    """What a model answers for n rows.

    outputs  (n, K) probabilities, or (n, 1) numbers; None: a classifier that gives no probabilities
    codes    (n,) of the classes it predicts; None: of the likeliest ones
    ranking  (n, K) numbers, the larger the more a row is held to be of the class; None: outputs
    """

    outputs: np.ndarray | None
    codes: np.ndarray | None = None
    ranking: np.ndarray | None = None

    @property
    def classes(self) -> np.ndarray:
        """Return the codes of the predicted classes (n,), of equally likely ones the first."""
        if self.codes is not None:
            return self.codes
        assert self.outputs is not None
        return self.outputs.argmax(axis=1)

    def taken(self, takes: Takes, n_classes: int) -> np.ndarray:
        """Return the predictions as `metrics.score` takes them for a metric of that kind."""
        if takes == "labels":
            return np.eye(n_classes)[self.classes]
        found = self.ranking if takes == "ranking" and self.ranking is not None else self.outputs
        assert found is not None  # `Learner.gives` says so
        return found[:, 0] if takes == "numbers" else found


@dataclass(frozen=True)
class Fitted:
    """A trained model with its preparation: raw rows in, an `Answer` out; `predict_numbers` takes
    the numbers of a task's rows instead."""

    predict: Callable[[Any], Answer]
    predict_numbers: Callable[[np.ndarray], Answer]
    seconds: float
    preparation: Any
    load: Callable[[], Any]  # returns the model, which may serve another fold next
    separate: Callable[[], Any]  # returns one that no other fold shares
    target: Any = None  # the target's fitted scaler, for a network's regression
    trained: Trained = field(default_factory=Trained)

    @property
    def model(self) -> Any:
        """Return the Keras model with this fold's weights, or the estimator."""
        return self.load()


class FoldModel:
    """The model of one fold, with the preparation that was fitted on the rows it learned from.

    >>> evaluation = ninefold.evaluate(build, X, y, return_models=True)
    >>> evaluation.models[0].predict(new_rows)
    """

    def __init__(self, fitted: Fitted, read: Callable[[Any], Any], labels: np.ndarray | None):
        self._fitted, self._read, self._labels = fitted, read, labels
        self.preparation = fitted.preparation

    @cached_property
    def model(self) -> Any:
        """Return the Keras model or the estimator itself, which takes prepared rows."""
        return self._fitted.separate()

    def predict(self, X: Any) -> np.ndarray:
        """Return the predicted labels (n,) as y has them, or numbers in the target's units, of raw
        rows X."""
        answer = self._fitted.predict(self._read(X))
        if self._labels is not None:
            return self._labels[answer.classes]
        return answer.taken("numbers", 0)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities (n, K) of raw rows X, labels in sorted order. Raises
        NinefoldError for a model that gives none."""
        outputs = self._fitted.predict(self._read(X)).outputs
        if self._labels is None or outputs is None:
            raise NinefoldError("the model gives no probabilities")
        return outputs
