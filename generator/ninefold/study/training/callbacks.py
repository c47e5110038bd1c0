"""Keras callbacks, called between compiled epochs: a copy for each network, errors by its name."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ninefold.errors import NinefoldError, naming
from ninefold.study.training.fresh import is_of_keras

_BATCH_HOOKS = (
    "on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end",
    "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end",
)  # fmt: skip


def hooks_batches(callback: Any) -> bool:
    """Tell whether a callback must be called within epochs, on batches or around validation.
    TerminateOnNaN need not: it is asked once an epoch, for what is not finite stays so."""
    import keras

    if type(callback) is keras.callbacks.TerminateOnNaN:
        return False
    hooks = ((getattr(callback, name, None), name) for name in _BATCH_HOOKS)
    plain = keras.callbacks.Callback  # LambdaCallback has its hooks on the instance
    return any(getattr(hook, "__func__", hook) is not getattr(plain, name) for hook, name in hooks)


_LIGHT = {
    "EarlyStopping", "ReduceLROnPlateau", "LearningRateScheduler", "TerminateOnNaN",
    "LambdaCallback",
}  # fmt: skip


def is_light(callback: Any) -> bool:
    """Tell whether a callback asks no more of a model than `NetworkView` answers."""
    kind = type(callback)
    return is_of_keras(kind.__module__) and kind.__name__ in _LIGHT


@contextmanager
def refusing_memory(
    name: str, act: str = "training", todo: str = "use smaller batches or layers"
) -> Iterator[None]:
    """Say in one line that a model does not fit into memory: in which act, and what to do."""
    import tensorflow as tf

    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        before = f"{name}: " if name else ""
        raise NinefoldError(
            f"{before}{act} ran out of memory", "expected a model and rows that fit", todo
        ) from error


class Called:
    """Copies of the callbacks for one network, called as `model.fit` calls them.

    model  a Keras model, or what answers for one: it is asked for `stop_training`
    """

    def __init__(self, callbacks: Sequence[Any], model: Any, epochs: int, name: str):
        import keras

        self._model, self._name = model, name
        copies = [copy.deepcopy(callback) for callback in callbacks]
        self._on_nan = [c for c in copies if type(c) is keras.callbacks.TerminateOnNaN]
        self._logs: dict[str, float] = {}  # as the last of the callbacks leaves them
        copies.append(
            keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: self._logs.update(logs))
        )
        with naming(name):
            self._list = keras.callbacks.CallbackList(copies, model=model, epochs=epochs, verbose=0)

    @property
    def stopped(self) -> bool:
        return self._model.stop_training

    def begin(self) -> None:
        with naming(self._name):
            self._list.on_train_begin()

    def begin_epoch(self, epoch: int) -> None:
        with naming(self._name):
            self._list.on_epoch_begin(epoch)

    def end_epoch(self, epoch: int, logs: dict[str, float]) -> dict[str, float]:
        """Return the logs with what the callbacks have added to them."""
        self._logs.clear()
        with naming(self._name):
            for callback in self._on_nan:
                callback.on_batch_end(epoch, logs)
            self._list.on_epoch_end(epoch, logs)
        return dict(self._logs)

    def end(self, logs: dict[str, float]) -> None:
        with naming(self._name):
            self._list.on_train_end(logs)
