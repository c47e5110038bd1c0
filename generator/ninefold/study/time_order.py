"""Splits in time order: what came first trains, what followed tests.

Rows are in time order here, and come in blocks, numbered from 0: rows of one moment are in one
block, rows of one group too, and no split parts a block.
"""

from collections.abc import Iterable

import numpy as np
from sklearn.model_selection import TimeSeriesSplit

from ninefold.errors import NinefoldError
from ninefold.study.splits import Fold, Plan, plan_folds


def is_ordered(splits: Iterable[tuple[np.ndarray, np.ndarray]]) -> bool:
    """Tell whether each test fold follows all rows of its training fold, as in scikit-learn's
    `TimeSeriesSplit`. Shuffled folds never do, so that this is taken for time order.

    splits  (training rows, test rows) of each fold
    """
    return all(train.max() < test.min() for train, test in splits)


def find_blocks(*together: np.ndarray) -> np.ndarray:
    """Return the block of each row, (n,) and never falling: as many blocks as can be.

    together  (n,) each, of the rows in time order: their moments, or groups. Rows alike in one of
              them are in one block, with all rows between them
    """
    positions = np.arange(len(together[0]))
    latest = positions.copy()  # of the rows that belong to this one
    for values in together:
        codes = np.unique(values, return_inverse=True)[1]
        last = np.zeros(len(positions), dtype=int)
        np.maximum.at(last, codes, positions)
        latest = np.maximum(latest, last[codes])
    ends = np.maximum.accumulate(latest) == positions
    return np.cumsum(ends) - ends


def take_last(blocks: np.ndarray, share: float) -> np.ndarray:
    """Return the numbers of the last rows, as many whole blocks as come closest to `share`.

    At least one block is taken, and one stays; of a single block, or for no share, nothing.
    """
    rows = len(blocks)
    starts = np.flatnonzero(np.diff(blocks)) + 1
    if share == 0 or not len(starts):
        return np.array([], dtype=int)
    return np.arange(starts[np.abs(starts - (1 - share) * rows).argmin()], rows)


def make_ordered_folds(blocks: np.ndarray, *, folds: int, validation: float) -> list[Fold]:
    """Return forward-chaining folds: scikit-learn's `TimeSeriesSplit` over the blocks, each fold
    trained on all that came before it; the last share of that is its inner validation split."""
    made = []
    for number, (_, tested) in enumerate(TimeSeriesSplit(folds).split(np.unique(blocks))):
        outer = np.flatnonzero(blocks < tested[0])
        held = take_last(blocks[outer], validation)
        test = np.flatnonzero((blocks >= tested[0]) & (blocks <= tested[-1]))
        made.append(Fold(0, number, np.delete(outer, held), outer[held], test))
    return made


def plan_ordered_folds(
    y: np.ndarray,
    blocks: np.ndarray,
    validation: float,
    *,
    classification: bool,
    folds: int | None = None,
    repeats: int | None = None,
) -> Plan:
    """Choose the folds as `plan_folds` does, fewer where the first ones would train without a
    class; repeats there are none.

    Raises NinefoldError where the blocks cannot fill them, or repeats are asked for.
    """
    if repeats not in (None, 1):
        raise NinefoldError(
            f"{repeats} repeats of folds in time order",
            "time has one order: each repeat would be the same",
            "set repeats = 1, or leave it out",
        )
    plan = plan_folds(len(y), None, None, folds, blocks=int(blocks[-1]) + 1)
    most, reason = plan.folds, plan.reason
    if classification and folds is None:
        while most > 2 and not _trains_on_all_classes(y, blocks, most, validation):
            most, reason = most - 1, "with more, the first would train without a class"
    return Plan(most, 1, f"{reason}; no repeats, since time has one order")


def _trains_on_all_classes(
    y: np.ndarray, blocks: np.ndarray, folds: int, validation: float
) -> bool:
    first = make_ordered_folds(blocks, folds=folds, validation=validation)[0]
    return len(np.unique(y[first.train])) == len(np.unique(y))
