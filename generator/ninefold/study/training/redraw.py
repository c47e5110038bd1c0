"""The weights that a model function would draw from another seed, without building the model.

Keras layers draw the seeds of their initialisers and generators from Python's `random`, one after
another; `keras.utils.set_random_seed` sets where that begins. Which draw each of them took is read
from one model built from a known seed. It is verified on other seeds before it is relied upon.
"""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from ninefold.study.training.fresh import layers_of

_DRAWS = 256  # more than the seeds that a small network draws


class Redraw:
    """Draws the weights of one architecture from any seed.

    model  built from `seed`, not trained
    """

    def __init__(self, model: Any, seed: int):
        self._variables = [*model.trainable_variables, *model.non_trainable_variables]
        self._values = [variable.numpy() for variable in self._variables]
        place = {drawn: number for number, drawn in enumerate(_draws(seed))}
        self._initializers: dict[int, tuple[Any, int]] = {}
        self._generators: dict[int, int] = {}
        for owner in _owners(model):
            for variable, initializer in _initializers(owner):
                if getattr(initializer, "seed", None) in place:
                    self._initializers[id(variable)] = initializer, place[initializer.seed]
            generator = getattr(owner, "seed_generator", None)
            if generator is not None and int(generator.state.numpy()[0]) in place:
                first, _ = generator.state.numpy()
                self._generators[id(generator.state)] = place[int(first)]

    def __call__(self, seed: int) -> list[np.ndarray]:
        """Return the values of trainable and other variables as a model built from `seed` has
        them."""
        draws = _draws(seed)
        return [
            self._draw(variable, value, draws)
            for variable, value in zip(self._variables, self._values, strict=True)
        ]

    def _draw(self, variable: Any, value: np.ndarray, draws: list[int]) -> np.ndarray:
        if id(variable) in self._generators:
            return np.array([draws[self._generators[id(variable)]], 0], value.dtype)
        if id(variable) not in self._initializers:
            return value  # a constant
        initializer, number = self._initializers[id(variable)]
        settings = initializer.get_config() | {"seed": draws[number]}
        drawn = type(initializer).from_config(settings)(variable.shape, variable.dtype)
        return np.asarray(drawn)


def _draws(seed: int) -> list[int]:
    """The seeds that Keras draws after `set_random_seed(seed)`, in order."""
    generator = random.Random(seed)
    return [generator.randint(1, int(1e9)) for _ in range(_DRAWS)]


def _owners(model: Any) -> Iterator[Any]:
    """Yield what has the variables: the layers, the cells of recurrent ones."""
    for layer in layers_of(model):
        yield layer
        yield from [layer.cell] if hasattr(layer, "cell") else []


def _initializers(layer: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (variable, initializer): what `kernel_initializer` is for `kernel`."""
    for name, value in list(vars(layer).items()):
        variable = getattr(layer, name.removesuffix("_initializer"), None)
        if name.endswith("_initializer") and hasattr(variable, "numpy"):
            yield variable, value
