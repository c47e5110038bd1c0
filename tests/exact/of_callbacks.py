"""Every callback of Keras, as it is and as it may be set."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import keras
from case import Case
from keras import callbacks, layers, optimizers

Made = Callable[[Path], Any]
CALLBACKS: dict[str, dict[str, Made]] = {
    "BackupAndRestore": {
        "": lambda folder: callbacks.BackupAndRestore(folder / "backup"),
        "save_freq=2": lambda folder: callbacks.BackupAndRestore(folder / "backup", save_freq=2),
    },
    "CSVLogger": {"": lambda folder: callbacks.CSVLogger(_in(folder) / "log.csv")},
    "EarlyStopping": {
        "patience=0": lambda _: callbacks.EarlyStopping(min_delta=10),
        "restored": lambda _: callbacks.EarlyStopping(
            patience=1, min_delta=10, restore_best_weights=True
        ),
        "accuracy": lambda _: callbacks.EarlyStopping("accuracy", patience=1, baseline=2.0),
    },
    "History": {"": lambda _: callbacks.History()},
    "LambdaCallback": {
        "between epochs": lambda _: callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: logs.update(seen=epoch)
        ),
        "on batches": lambda _: callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: None
        ),
    },
    "LearningRateScheduler": {
        "": lambda _: callbacks.LearningRateScheduler(lambda epoch, rate: rate / (epoch + 1))
    },
    "ModelCheckpoint": {
        "": lambda folder: callbacks.ModelCheckpoint(_in(folder) / "best.keras"),
        "weights, best": lambda folder: callbacks.ModelCheckpoint(
            _in(folder) / "best.weights.h5", save_best_only=True, save_weights_only=True
        ),
        "save_freq=2": lambda folder: callbacks.ModelCheckpoint(
            _in(folder) / "best.keras", save_freq=2
        ),
    },
    "ProgbarLogger": {"": lambda _: callbacks.ProgbarLogger()},
    "ReduceLROnPlateau": {
        "": lambda _: callbacks.ReduceLROnPlateau(patience=1, min_delta=10, factor=0.5)
    },
    "RemoteMonitor": {"": lambda _: callbacks.RemoteMonitor("http://127.0.0.1:9")},
    "SwapEMAWeights": {
        "": lambda _: callbacks.SwapEMAWeights(),
        "swap_on_epoch": lambda _: callbacks.SwapEMAWeights(swap_on_epoch=True),
    },
    "TensorBoard": {
        "": lambda folder: callbacks.TensorBoard(folder / "logs"),
        "histograms": lambda folder: callbacks.TensorBoard(folder / "logs", histogram_freq=1),
        "update_freq=1": lambda folder: callbacks.TensorBoard(folder / "logs", update_freq=1),
    },
    "TerminateOnNaN": {"": lambda _: callbacks.TerminateOnNaN()},
}
NOT_APPLICABLE = {
    "Callback": "the base of all others",
    "CallbackList": "what Keras holds callbacks in",
    "OrbaxCheckpoint": "needs orbax-checkpoint, which neither Keras nor ninefold installs",
}
COVERED = CALLBACKS.keys()


def cases() -> Iterator[Case]:
    for name, ways in CALLBACKS.items():
        for how, make in ways.items():
            build = network_of_averages if name == "SwapEMAWeights" else network
            yield Case(
                "callback", ", ".join(filter(None, (name, how))), build,
                callbacks=partial(_alone, make),
            )  # fmt: skip


def _alone(make: Made, folder: Path) -> list[Any]:
    return [make(folder)]


def _in(folder: Path) -> Path:
    """Make a folder, as some callbacks do not."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def network(optimizer: Callable[[], Any] = lambda: optimizers.Adam(0.02)) -> Any:
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(5, "tanh"),
            layers.Dropout(0.1),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(optimizer(), "binary_crossentropy", metrics=["accuracy"])
    return model


def network_of_averages() -> Any:
    return network(lambda: optimizers.Adam(0.02, use_ema=True, ema_momentum=0.8))
