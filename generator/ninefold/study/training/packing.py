"""The state of a network as two rows of numbers: a batch of networks is two matrices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Place:
    """Where a variable lies: in the row of floats or of whole numbers, from where to where."""

    is_float: bool
    start: int
    stop: int
    shape: tuple[int, ...]
    dtype: str


class Packing:
    """Where each variable of a network lies in its two rows, float32 and int64.

    floats, wholes  how many numbers the rows have
    """

    def __init__(self, variables: Sequence[tuple[tuple[int, ...], str]]):
        self.places: list[Place] = []
        widths = {True: 0, False: 0}
        for shape, dtype in variables:
            is_float = dtype == "float32"
            start = widths[is_float]
            widths[is_float] += int(np.prod(shape))
            self.places.append(Place(is_float, start, widths[is_float], shape, dtype))
        self.floats, self.wholes = widths[True], widths[False]

    def pack(self, values: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        """Return the two rows of one network, or their beginning for its first values."""
        places = self.places[: len(values)]
        rows = {
            is_float: np.zeros(max((p.stop for p in places if p.is_float == is_float), default=0))
            for is_float in (True, False)
        }
        floats, wholes = rows[True].astype("float32"), rows[False].astype("int64")
        for place, value in zip(places, values, strict=True):
            self.write(floats, wholes, place, value)
        return floats, wholes

    def read(self, floats: np.ndarray, wholes: np.ndarray, place: Place) -> np.ndarray:
        """Return one variable's value from a network's two rows."""
        row = floats if place.is_float else wholes
        return row[place.start : place.stop].reshape(place.shape).astype(place.dtype)

    def write(self, floats: np.ndarray, wholes: np.ndarray, place: Place, value: Any) -> None:
        row = floats if place.is_float else wholes
        row[place.start : place.stop] = np.ravel(value)

    def unstack(self, floats: Any, wholes: Any) -> list[Any]:
        """Return the tensors (networks, …) of all variables from two matrices."""
        import tensorflow as tf

        def sizes(is_float: bool) -> list[int]:
            return [p.stop - p.start for p in self.places if p.is_float == is_float]

        parts = {
            is_float: iter(tf.split(matrix, sizes(is_float), axis=1) if sizes(is_float) else [])
            for is_float, matrix in ((True, floats), (False, wholes))
        }
        return [
            tf.cast(tf.reshape(next(parts[p.is_float]), (floats.shape[0], *p.shape)), p.dtype)
            for p in self.places
        ]

    def stack(self, values: Sequence[Any]) -> tuple[Any, Any]:
        """Return the two matrices of tensors (networks, …)."""
        import tensorflow as tf

        networks = values[0].shape[0]

        def matrix(is_float: bool, dtype: str) -> Any:
            columns = [
                tf.cast(tf.reshape(value, (networks, place.stop - place.start)), dtype)
                for place, value in zip(self.places, values, strict=True)
                if place.is_float == is_float
            ]
            return tf.concat(columns, axis=1) if columns else tf.zeros((networks, 0), dtype)

        return matrix(True, "float32"), matrix(False, "int64")
