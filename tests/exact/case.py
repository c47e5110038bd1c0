"""One case: a network, the rows that it learns, the callbacks that are called."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import isclass
from pathlib import Path
from typing import Any

import numpy as np

from ninefold.study.training import Job, Rows

SIZES = ((40, 12), (42, 12))  # rows and validation rows of two folds: last batches of 8 and 10
BATCH, EPOCHS = 16, 3


def no_callbacks(folder: Path) -> list[Any]:
    return []


@dataclass(frozen=True)
class Case:
    """What is trained in both ways.

    kind       "optimizer", "loss", "layer" or "callback"
    name       what the table calls it
    build      returns the compiled network
    features   "table" (n, 4), "tokens" (n, 4), "images" (n, 8, 8, 3) or "sound" (n, 64)
    targets    "labels" 0 or 1, "signs", "numbers", "counts", "codes" (n, 1), "flat codes" (n,),
               "one-hot" or "spelling"
    weighted   rows have weights
    callbacks  makes them, to write into a folder
    """

    kind: str
    name: str
    build: Callable[[], Any]
    features: str = "table"
    targets: str = "labels"
    weighted: bool = False
    callbacks: Callable[[Path], list[Any]] = no_callbacks

    def jobs(self) -> list[Job]:
        return [
            Job(
                self._rows(rows, number), self._rows(held, 100 + number),
                7 * number + 1, f"repeat 1, fold {number + 1}",
            )
            for number, (rows, held) in enumerate(SIZES)
        ]  # fmt: skip

    def _rows(self, number: int, seed: int) -> Rows:
        random = np.random.default_rng(seed)
        x = _FEATURES[self.features](random, number).astype("float32")
        flat = x.reshape(number, -1)
        signal = (flat[:, 0] - flat[:, 1]) / flat.std() + 0.5 * random.normal(size=number)
        y = _TARGETS[self.targets](signal).astype("float32")
        y = y if self.targets == "flat codes" else y.reshape(number, -1)
        weight = random.uniform(0.5, 2, number) if self.weighted else np.ones(number)
        return Rows(x, y, weight.astype("float32"))


_FEATURES: dict[str, Callable] = {
    "table": lambda random, n: random.normal(size=(n, 4)),
    "tokens": lambda random, n: random.integers(0, 9, size=(n, 4)),
    "images": lambda random, n: random.integers(0, 256, size=(n, 8, 8, 3)),
    "sound": lambda random, n: random.normal(size=(n, 64)),
}
_TARGETS: dict[str, Callable] = {
    "labels": lambda signal: signal > 0,
    "signs": lambda signal: np.sign(signal),
    "numbers": lambda signal: signal,
    "counts": lambda signal: np.floor(np.exp(signal)) + 1,
    "codes": lambda signal: np.digitize(signal, (-0.5, 0.5)),
    "flat codes": lambda signal: np.digitize(signal, (-0.5, 0.5)),
    "one-hot": lambda signal: np.eye(3)[np.digitize(signal, (-0.5, 0.5))],
    "spelling": lambda signal: np.stack([1 + (signal > 0), 2 - (signal > 1)], axis=1),
}


def public_classes(module: Any) -> dict[str, list[str]]:
    """Return the public classes of a module of Keras: name → its other names."""
    names: dict[type, list[str]] = {}
    for name in sorted(dir(module)):
        kind = getattr(module, name)
        if isclass(kind) and not name.startswith("_"):
            names.setdefault(kind, []).append(name)
    return {kind.__name__ if kind.__name__ in its else its[0]: its for kind, its in names.items()}


def describe(name: str, settings: dict[str, Any]) -> str:
    """Return `Adam, clipnorm=0.1`."""
    return ", ".join([name, *(f"{key}={_short(value)}" for key, value in settings.items())])


def _short(value: Any) -> str:
    return value if isinstance(value, str) else getattr(value, "__name__", repr(value))
