"""The rows of many networks side by side: as batches to train on, as a view to look at."""

from collections.abc import Iterator, Sequence

import numpy as np

from ninefold.study.training.jobs import Rows


class Stacked:
    """The rows of many networks side by side, those of fewer rows padded."""

    def __init__(self, parts: Sequence[Rows]):
        self.sizes = np.array([len(part) for part in parts])
        self._parts = [
            _pad([getattr(part, name) for part in parts], self.sizes.max())
            for name in ("x", "y", "weight")
        ]

    def batches(
        self, members: np.ndarray, orders: np.ndarray, size: int
    ) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
        """Yield (some members, [x, y, weight]), each part (steps, networks, rows, …), that together
        hold the members' rows in their orders (networks, rows), `size` at a time. Where the sizes
        of last batches differ, what the other networks hold is to be ignored."""
        everyone = np.arange(len(self.sizes))[None, :, None]
        for some, start, steps, rows in plan_calls(self.sizes[members], size):
            order = orders[:, start : start + steps * rows]
            order = order.reshape(len(orders), steps, rows).transpose(1, 0, 2)
            yield members[some], [part[everyone, order] for part in self._parts]

    def view(self, at_once: int) -> list[np.ndarray]:
        """Return [x, y, weight, real] of all rows, each (steps, networks, rows, …), so many rows
        in a step. Padding is not `real` and has no weight; real rows have so much more that the
        mean over all is the mean over the real ones."""
        x, y, weight = self._parts
        steps = -(-x.shape[1] // at_once)
        sizes = self.sizes[:, None]
        real = np.arange(steps * at_once) < sizes
        stretched = [
            _stretch(part, steps * at_once) for part in (x, y, weight * (steps * at_once / sizes))
        ]
        return [
            part.reshape(len(x), steps, at_once, *part.shape[2:]).swapaxes(0, 1).astype("float32")
            for part in (*stretched, real)
        ]

    def rows_in(self, numbers: int) -> int:
        """Return how many rows of each network so many numbers hold, at least one, at most all."""
        x = self._parts[0]
        return int(np.clip(numbers * x.shape[1] // x.size, 1, x.shape[1]))


def _stretch(part: np.ndarray, rows: int) -> np.ndarray:
    """Pad an array (networks, n, …) to that many rows."""
    return np.pad(part, [(0, 0), (0, rows - part.shape[1]), *[(0, 0)] * (part.ndim - 2)])


def _pad(parts: Sequence[np.ndarray], rows: int) -> np.ndarray:
    """Stack arrays (n, …) of unequal n."""
    stacked = np.zeros((len(parts), rows, *parts[0].shape[1:]), "float32")
    for number, part in enumerate(parts):
        stacked[number, : len(part)] = part
    return stacked


def plan_calls(sizes: np.ndarray, batch: int) -> Iterator[tuple[np.ndarray, int, int, int]]:
    """Yield (members, first row, steps, rows of each) that take every network through its rows:
    the whole batches that all have together, then, for each size, those left and a shorter one."""
    everyone = np.arange(len(sizes))
    shared = int(sizes.min()) // batch
    if shared:
        yield everyone, 0, shared, batch
    for size in np.unique(sizes):
        members, start = everyone[sizes == size], shared * batch
        whole, last = divmod(int(size) - start, batch)
        if whole:
            yield members, start, whole, batch
        if last:
            yield members, start + whole * batch, 1, last
