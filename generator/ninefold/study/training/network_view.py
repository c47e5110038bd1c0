"""One network of a batch, as its callbacks see it: a model whose weights are a row of numbers."""

from typing import Any

import numpy as np


class NetworkView:
    """What Keras's own callbacks between epochs take for the model: its weights, its learning
    rate, its metrics, and whether it is to stop.

    state  the batch's state (see `batch_run.State`); number: the network's place in it
    """

    def __init__(self, state: Any, number: int):
        self._state, self._number = state, number
        self.stop_training = False
        self.optimizer = _OptimizerView(state, number)

    def get_weights(self) -> list[np.ndarray]:
        return self._state.weights(self._number)

    def set_weights(self, weights: list[np.ndarray]) -> None:
        self._state.set_weights(self._number, weights)

    @property
    def metrics(self) -> list[Any]:
        return self._state.batched.model.metrics


class _OptimizerView:
    """The optimizer of one network of a batch, as far as it is a learning rate."""

    def __init__(self, state: Any, number: int):
        self._state, self._number = state, number

    @property
    def learning_rate(self) -> Any:
        """Return the rate, a number; where it is a schedule, the schedule."""
        if self._state.has_rate:
            return self._state.rate(self._number)
        return self._state.batched.model.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if not self._state.has_rate:
            raise TypeError("the learning rate is a schedule, which a callback cannot set")
        self._state.set_rate(self._number, float(value))
