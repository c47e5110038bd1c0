"""A saved model in memory, ready to predict: networks whose predictions are averaged, an estimator,
or a constant."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.study.learners import Answer, network_prediction
from ninefold.study.model_files import AGAIN, FinalModel
from ninefold.study.preparation import as_numbers, tidy_inputs

_MOST_AT_ONCE = 2**27  # numbers that layers make of the rows that are predicted at once


@dataclass(frozen=True)
class LoadedNetwork:
    """A network as it was saved.

    logits  it answers with logits
    size    how many numbers its layers make of a row
    """

    network: Any
    logits: bool
    size: int

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """Return its outputs (n, …) for prepared rows, a few at once where they are large."""
        at_once = max(1, min(_MOST_AT_ONCE // max(self.size, 1), len(x)))
        parts = (x[start : start + at_once] for start in range(0, max(len(x), 1), at_once))
        return np.concatenate([np.asarray(self.network(part, training=False)) for part in parts])


@dataclass(frozen=True)
class LoadedModel:
    """A saved model; of its parts those that its kind has."""

    model: FinalModel
    preparation: Any = None
    networks: tuple[LoadedNetwork, ...] = ()
    estimator: Any = None

    def outputs(self, X: pd.DataFrame) -> np.ndarray:
        """Return probabilities (n, K) or numbers (n,) in the target's units for the inputs X, as
        `make_inputs` returns them."""
        outputs = self.answer(X).outputs
        assert outputs is not None
        return outputs if self.model.classes else outputs[:, 0]

    def answer(self, X: pd.DataFrame) -> Answer:
        """Return what the model answers for the inputs X: probabilities or numbers, and of an
        estimator the classes that it predicts itself, which need not be the likeliest.

        Raises NinefoldError where the outputs are not finite, or of another number than classes.
        """
        if self.model.kind == "constant":
            return Answer(np.tile(self.model.constant, (len(X), 1)))
        x = self.preparation.transform(tidy_inputs(X))
        answer = self._estimated(x) if self.model.kind == "estimator" else self._averaged(x)
        outputs = answer.outputs
        assert outputs is not None
        if outputs.shape != (len(X), len(self.model.classes) or 1):
            raise NinefoldError("the final model's outputs do not fit its classes", todo=AGAIN)
        if not np.isfinite(outputs).all():
            raise NinefoldError("the final model's outputs are not finite", todo=AGAIN)
        return answer

    def _averaged(self, prepared: Any) -> Answer:
        x, classes = as_numbers(prepared), len(self.model.classes)
        found = [
            network_prediction(network.outputs(x), network.logits, classes, None)
            for network in self.networks
        ]
        mean = np.mean(found, axis=0)
        return Answer(mean if classes else mean * self.model.scale + self.model.centre)

    def _estimated(self, x: Any) -> Answer:
        labels = np.asarray(self.estimator.predict(x))
        if not self.model.classes:
            return Answer(labels.astype(float).reshape(-1, 1))
        known, codes = np.asarray(self.estimator.classes_), np.array(self.model.labels)
        places = np.searchsorted(known, labels).clip(0, len(known) - 1)
        if len(known) != len(codes) or np.any(known[places] != labels):
            raise NinefoldError("the final model answers other classes than its own", todo=AGAIN)
        shares = np.asarray(self.estimator.predict_proba(x), dtype=float)
        if shares.shape[1:] != known.shape:
            raise NinefoldError("the final model's outputs do not fit its classes", todo=AGAIN)
        return Answer(shares[:, np.argsort(codes)], codes[places])
