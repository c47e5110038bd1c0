"""The generators of random numbers that a caller shares with training: put back as they were."""

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from ninefold.study.training.private import unknown_keras

_NAMES = ("global_random_seed", "global_seed_generator")  # what Keras keeps


@contextmanager
def caller_s_randomness() -> Iterator[None]:
    """Within it `random`, NumPy, TensorFlow and Keras may be seeded at will; afterwards they go on
    as if they had not been."""
    restore: list[Callable[[], object]] = [
        partial(random.setstate, random.getstate()),
        partial(np.random.set_state, np.random.get_state()),
        _restore_of_networks(),
    ]
    try:
        yield
    finally:
        for act in restore:
            act()


def _restore_of_networks() -> Callable[[], None]:
    """Return what gives TensorFlow and Keras their seeds back, which they may not have yet."""
    if not _are_loaded():
        return _forget
    from keras.src.backend.common import global_state
    from tensorflow.python.eager import context

    kept = {name: global_state.get_global_attribute(name) for name in _NAMES}
    generator = kept["global_seed_generator"]
    state = None if generator is None else generator.state.numpy()
    seed = context.global_seed()
    drawn = None if seed is None else context.context()._rng.getstate()

    def restore() -> None:
        _set(kept, seed)
        if generator is not None:
            generator.state.assign(state)
        if drawn is not None:
            context.context()._rng.setstate(drawn)

    return restore


def _forget() -> None:
    if _are_loaded():
        _set(dict.fromkeys(_NAMES), None)


def _are_loaded() -> bool:
    return {"keras", "tensorflow"} <= sys.modules.keys() and not unknown_keras()


def _set(kept: dict[str, object], seed: int | None) -> None:
    from keras.src.backend.common import global_state
    from tensorflow.python.eager import context

    for name, value in kept.items():
        global_state.set_global_attribute(name, value)
    context.set_global_seed(seed)
