"""Small networks, each with a place for one layer."""

from collections.abc import Callable
from math import prod
from typing import Any

import keras
from keras import activations, layers, optimizers

Make = Callable[[], Any]
# The last two need two numbers, and give half as many.
_NO_NAMES = ("deserialize", "get", "serialize", "threshold", "glu")


def sequential(shape: tuple[int, ...], make: Make) -> Any:
    """Learn before the layer, too, so that gradients go through it."""
    start = keras.Input((4,))
    x = layers.Reshape(shape)(layers.Dense(prod(shape), "tanh")(start))
    return _finish(start, make()(x))


def on_inputs(shape: tuple[int, ...], make: Make) -> Any:
    start = keras.Input(shape)
    return _finish(start, make()(start))


def on_images(make: Make) -> Any:
    start = keras.Input((8, 8, 3))
    return _finish(start, layers.Rescaling(1 / 255)(make()(start)))


def of_two(shape: tuple[int, ...], make: Make) -> Any:
    start = keras.Input((4,))
    sides = [
        layers.Reshape(shape)(layers.Dense(prod(shape), activation)(start))
        for activation in ("tanh", "sigmoid")
    ]
    return _finish(start, make()(sides))


def of_queries(make: Make) -> Any:
    start = keras.Input((4,))
    query, value = (
        layers.Reshape((4, 6))(layers.Dense(24, activation)(start))
        for activation in ("tanh", "sigmoid")
    )
    return _finish(start, make()(query, value))


def _finish(start: Any, x: Any) -> Any:
    x = x if len(x.shape) == 2 else layers.Flatten()(x)
    model = keras.Model(start, layers.Dense(1, "sigmoid")(x))
    model.compile(optimizers.SGD(0.02), "binary_crossentropy", metrics=["accuracy"])
    return model


def each_activation() -> Any:
    names = [
        name for name in sorted(dir(activations))
        if not name.startswith("_") and name not in _NO_NAMES
    ]  # fmt: skip
    start = keras.Input((4,))
    ends = [layers.Dense(4, name)(start) for name in names]
    return _finish(start, layers.Concatenate()(ends))
