"""One network of a batch, as its callbacks see it: a model whose weights are a row of numbers."""

from typing import Any

import numpy as np


class NetworkView:
    """What callbacks take for the model. Weights, learning rate and `stop_training` are read and
    written in the batch; for all else the network is put into the batch's Keras model, and taken
    back after the call (`give_back`).

    state  the batch's state (see `batched.State`); number: the network's place in it
    """

    def __init__(self, state: Any, number: int):
        self._state, self._number = state, number
        self._in_model = False
        self.stop_training = False
        self.optimizer = _OptimizerView(self)

    def get_weights(self) -> list[np.ndarray]:
        return self._model().get_weights() if self._in_model else self._state.weights(self._number)

    def set_weights(self, weights: list[np.ndarray]) -> None:
        if self._in_model:
            self._model().set_weights(weights)
        else:
            self._state.set_weights(self._number, weights)

    @property
    def metrics(self) -> list[Any]:
        return self._state.batched.model.metrics

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._model()(*args, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model(), name)

    def _model(self) -> Any:
        if not self._in_model:
            self._state.put_into_model(self._number)
            self._in_model = True
        return self._state.batched.model

    def give_back(self) -> None:
        """Take the network out of the Keras model, changed or not."""
        if self._in_model:
            self._state.take_from_model(self._number)
            self._in_model = False


class _OptimizerView:
    """The optimizer of one network of a batch: its learning rate without the model's help."""

    def __init__(self, view: NetworkView):
        self._view = view

    @property
    def learning_rate(self) -> Any:
        view = self._view
        if view._in_model or not view._state.has_rate:
            return view._model().optimizer.learning_rate
        return view._state.rate(view._number)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        view = self._view
        if view._in_model or not view._state.has_rate:
            view._model().optimizer.learning_rate = value
        else:
            view._state.set_rate(view._number, float(value))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view._model().optimizer, name)
