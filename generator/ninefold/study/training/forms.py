"""What a model of several inputs or outputs takes and gives, as one table of numbers: rows are
gathered and batched as such, and parted where the model is called."""

from dataclasses import dataclass
from typing import Any

import numpy as np

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Form:
    """How columns of a row make up a model's inputs and targets.

    inputs   name → shape of a row, for a model that takes a mapping; (): it takes the rows as they
             are
    targets  output → columns of its target, in the order of the outputs; (): there is one output
    listed   whether the outputs are a list, not a mapping
    """

    inputs: tuple[tuple[str, Shape], ...] = ()
    targets: tuple[tuple[str, int], ...] = ()
    listed: bool = False

    def x(self, rows: Any) -> Any:
        """Return rows (n, columns), an array or a tensor, as the model takes them."""
        if not self.inputs:
            return rows
        sizes = [int(np.prod(shape)) for _, shape in self.inputs]
        parts = zip(self.inputs, _cut(rows, sizes), strict=True)
        return {name: _shaped(part, shape) for (name, shape), part in parts}

    def y(self, rows: Any) -> Any:
        """Return targets (n, columns) as the model's losses take them."""
        if not self.targets:
            return rows
        parts = _cut(rows, [columns for _, columns in self.targets])
        if self.listed:
            return parts if len(parts) > 1 else parts[0]
        return {name: part for (name, _), part in zip(self.targets, parts, strict=True)}

    def of_each(self, outputs: Any) -> list[Any]:
        """Return a model's outputs in the order of the targets."""
        if not self.targets:
            return [outputs]
        if not self.listed:
            return [outputs[name] for name, _ in self.targets]
        return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


PLAIN = Form()  # one input, one output


def _cut(rows: Any, sizes: list[int]) -> list[Any]:
    ends = np.cumsum(sizes).tolist()
    return [rows[:, end - size : end] for end, size in zip(ends, sizes, strict=True)]


def _shaped(part: Any, shape: Shape) -> Any:
    if isinstance(part, np.ndarray):
        return part.reshape(-1, *shape)
    import tensorflow as tf

    return tf.reshape(part, (-1, *shape))
