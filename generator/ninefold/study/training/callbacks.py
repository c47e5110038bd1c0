"""Keras callbacks, called between compiled epochs: a copy for each network, errors by its name."""

import copy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from ninefold.errors import NinefoldError, naming
from ninefold.study.training.fresh import is_of_keras
from ninefold.study.training.jobs import Job, Recipe

_BATCH_HOOKS = (
    "on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end",
    "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end",
)  # fmt: skip


def hooks_batches(callback: Any) -> bool:
    """Tell whether a callback must be called within epochs, on batches or around validation."""
    import keras

    known = (keras.callbacks.Callback, *_idle_within_epochs(callback))
    hooks = ((getattr(callback, name, None), name) for name in _BATCH_HOOKS)
    return any(  # LambdaCallback has its hooks on the instance
        all(getattr(hook, "__func__", hook) is not getattr(kind, name) for kind in known)
        for hook, name in hooks
    )


def _idle_within_epochs(callback: Any) -> list[type]:
    """Return the class of Keras's whose hooks on batches come to nothing as this callback is set.

    TerminateOnNaN is asked once an epoch, for what is not finite stays so; what TensorBoard writes
    of validation is written between epochs, and it goes without the graph of `fit`'s operations.
    """
    from keras import callbacks

    if type(callback) is callbacks.TerminateOnNaN:
        return [callbacks.TerminateOnNaN]
    for kind in (callbacks.ModelCheckpoint, callbacks.BackupAndRestore):
        if isinstance(callback, kind) and callback.save_freq == "epoch":
            return [kind]
    if isinstance(callback, callbacks.TensorBoard):
        profiles = getattr(callback, "_should_trace", True) or callback.write_steps_per_second
        return [callbacks.TensorBoard] if callback.update_freq == "epoch" and not profiles else []
    return []


LIGHT = {
    "EarlyStopping", "ReduceLROnPlateau", "LearningRateScheduler", "TerminateOnNaN",
    "LambdaCallback", "CSVLogger",
}  # fmt: skip


def is_light(callback: Any) -> bool:
    """Tell whether a callback asks no more of a model than `NetworkView` answers."""
    kind = type(callback)
    return is_of_keras(kind.__module__) and kind.__name__ in LIGHT


@contextmanager
def refusing_memory(
    name: str, act: str = "training", todo: str = "use smaller batches or layers"
) -> Iterator[None]:
    """Say in one line that a model does not fit into memory: in which act, and what to do."""
    try:
        yield
    except Exception as error:
        if not _is_of_memory(error):
            raise
        before = f"{name}: " if name else ""
        raise NinefoldError(
            f"{before}{act} ran out of memory", "expected a model and rows that fit", todo
        ) from error


def _is_of_memory(error: Exception) -> bool:
    """Tell whether memory ran out; TensorFlow, if anything imported it, has an error of its own."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and isinstance(error, tensorflow.errors.ResourceExhaustedError):
        return True
    return isinstance(error, MemoryError)


def copies_for(callbacks: Sequence[Any], job: Job) -> list[Any]:
    """Copy callbacks for one network, those of Keras that write with a path of its own; a job
    without a name leaves paths as they are."""
    copies = [copy.deepcopy(callback) for callback in callbacks]
    place = job.name.replace(", ", "-").replace(" ", "-")  # repeat-1-fold-2
    part = "-".join(filter(None, (quote(job.variant, safe="=+, "), place)))
    for callback in copies if part else ():
        _write_apart(callback, part)
    return copies


def _write_apart(callback: Any, part: str) -> None:
    """Let `log.csv` be `log-PART.csv`, the folder `logs` be `logs/PART`."""
    from keras import callbacks

    if isinstance(callback, callbacks.CSVLogger):
        callback.filename = _insert(callback.filename, part)
    elif isinstance(callback, callbacks.ModelCheckpoint):
        callback.filepath = _insert(callback.filepath, part)
    elif isinstance(callback, callbacks.TensorBoard):
        callback.log_dir = f"{callback.log_dir}/{part}"
    elif isinstance(callback, callbacks.BackupAndRestore):
        folder = str(callback.backup_dir)
        for name, value in list(vars(callback).items()):  # files in it, too
            if str(value).startswith(folder):
                setattr(callback, name, f"{folder}/{part}{str(value)[len(folder) :]}")


def _insert(path: str, part: str) -> str:
    suffix = ".weights.h5" if path.endswith(".weights.h5") else PurePath(path).suffix
    return f"{path[: len(path) - len(suffix)]}-{part}{suffix}"


class Called:
    """Copies of the callbacks for one network, called as `model.fit` calls them.

    model  a Keras model, or what answers for one: it is asked for `stop_training`
    name   of the network, in messages
    """

    def __init__(self, recipe: Recipe, model: Any, job: Job, name: str):
        import keras

        self._model, self._name = model, name
        copies = copies_for(recipe.callbacks, job)
        self.copies = tuple(copies)
        kinds = (keras.callbacks.TerminateOnNaN, keras.callbacks.TensorBoard)
        self._on_nan, self._on_test = ([c for c in copies if isinstance(c, k)] for k in kinds)
        self._logs: dict[str, float] = {}  # as the last of the callbacks leaves them
        copies.append(
            keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: self._logs.update(logs))
        )
        steps = -(-len(job.rows) // recipe.batch_size)
        with naming(self._name):
            self._list = keras.callbacks.CallbackList(
                copies, model=model, epochs=recipe.epochs, steps=steps, verbose=0
            )

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
        held = {name.removeprefix("val_"): logs[name] for name in logs if name.startswith("val_")}
        with naming(self._name):
            for callback in self._on_nan:
                callback.on_batch_end(epoch, logs)
            for callback in self._on_test if held else ():
                callback.on_test_end(held)
            self._list.on_epoch_end(epoch, logs)
        return dict(self._logs)

    def end(self, logs: dict[str, float]) -> None:
        with naming(self._name):
            self._list.on_train_end(logs)
