"""Silence where TensorFlow's C++ side writes past every setting to the process's stderr."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec

from ninefold.errors import NinefoldError


@cache  # it may be imported already, in a kernel forked from a process that has, and yet not run
def load_tensorflow() -> None:
    """Import TensorFlow and Keras without the start-up lines of TensorFlow 2.17 and later, which
    `TF_CPP_MIN_LOG_LEVEL` does not reach. Raises NinefoldError where it is not installed."""
    if find_spec("tensorflow") is None:
        raise NinefoldError(
            "TensorFlow is not installed",
            "training and predicting need it",
            "pip install 'ninefold[tensorflow]'",
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _no_stderr():
        import keras  # noqa: F401
        import tensorflow

        tensorflow.get_logger().setLevel("ERROR")  # one trace a variant is no mistake
        tensorflow.zeros(1)  # starts the devices, which speak once more


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
