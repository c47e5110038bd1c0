"""Silence where TensorFlow's C++ side writes past every setting to the process's stderr."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec

from ninefold.errors import NinefoldError, one_line


@cache  # it may be imported already, in a kernel forked from a process that has, and yet not run
def load_tensorflow() -> None:
    """Import TensorFlow and Keras without the start-up lines of TensorFlow 2.17 and later, which
    `TF_CPP_MIN_LOG_LEVEL` does not reach. Raises NinefoldError where it is not installed, or Keras
    works with another backend."""
    if find_spec("tensorflow") is None:
        raise NinefoldError(
            "TensorFlow is not installed",
            "training and predicting need it",
            "pip install tensorflow",
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _no_stderr():
        _must_work_with_tensorflow()
        import tensorflow

        tensorflow.get_logger().setLevel("ERROR")  # one trace a variant is no mistake
        tensorflow.zeros(1)  # starts the devices, which speak once more


def _must_work_with_tensorflow() -> None:
    try:
        import keras

        backend = keras.config.backend()
        found = f"its backend is {backend}"
    except (ImportError, ValueError) as error:  # of a backend that is not installed, or is none
        backend, found = "", one_line(error)
    if backend != "tensorflow":
        raise NinefoldError(
            f"Keras does not work with TensorFlow here ({found})",
            "training and predicting need that",
            "set KERAS_BACKEND=tensorflow before Keras is imported",
        )


@contextmanager
def _no_stderr() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)
