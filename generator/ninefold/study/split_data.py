"""The dataset, split into development rows and a hold-out, before anything else is looked at.

Which rows are held out depends on the target (to stratify), the groups and which rows are
identical; or on the time alone, where rows have one. What the columns are is decided on the
development rows alone.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.settings import HarnessSettings, Settings
from ninefold.study.columns import as_levels
from ninefold.study.dataset import Dataset, make_dataset, split_dataset
from ninefold.study.preparation import tidy_inputs
from ninefold.study.reading import read_source
from ninefold.study.splits import (
    Fold,
    Plan,
    limit_folds,
    make_folds,
    plan_folds,
    repeat_often,
    take_share,
)
from ninefold.study.task import Task
from ninefold.study.time_order import (
    find_blocks,
    make_ordered_folds,
    plan_ordered_folds,
    take_last,
)


@dataclass(frozen=True)
class SplitData:
    """All rows of a study, divided once and for all by its seed.

    development  what every section may see; in time order where rows have a time
    holdout      what section 7 alone may see
    rows         in the file, those without a target included
    notes        what was found in reading the file
    sha256       of the file, or of a built-in dataset as CSV
    """

    development: Dataset
    holdout: Dataset = field(repr=False, compare=False)  # a cell that ends in a split shows none
    rows: int
    notes: tuple[str, ...]
    sha256: str = ""

    @property
    def without_target(self) -> int:
        return self.rows - len(self.development) - len(self.holdout)

    @property
    def groups(self) -> np.ndarray | None:
        """Return the ids of development rows that never part, or None (see `_groups`)."""
        return _groups(self.development)

    @property
    def blocks(self) -> np.ndarray | None:
        """Return the blocks of the development rows that follow one another in time (see
        `time_order`); None where the rows have no time, and are divided at random."""
        return None if self.development.time is None else _blocks(self.development)

    def plan(self, harness: HarnessSettings) -> Plan:
        """Return how many folds and repeats the development rows are judged in, and why.

        Raises NinefoldError where they cannot fill the folds.
        """
        data, blocks = self.development, self.blocks
        if blocks is not None:
            return plan_ordered_folds(
                data.y, blocks, harness.validation, classification=bool(data.classes),
                folds=harness.folds, repeats=harness.repeats,
            )  # fmt: skip
        plan = plan_folds(*self._sizes, harness.folds, harness.repeats)
        if harness.folds or harness.repeats:
            return plan
        return repeat_often(
            plan, len(data), epochs=harness.epochs, batch_size=harness.batch_size,
            seeds=harness.seeds, validation=harness.validation,
        )  # fmt: skip

    @property
    def most_folds(self) -> int:
        """Return how many shuffled folds the development rows could fill."""
        return limit_folds(*self._sizes)[0]

    @property
    def _sizes(self) -> tuple[int, int | None, int | None]:
        """Return rows, rows of the rarest class, and groups, as `plan_folds` takes them."""
        data, groups = self.development, self.groups
        smallest = int(np.bincount(data.y).min()) if data.classes else None
        return len(data), smallest, None if groups is None else len(np.unique(groups))

    def make_folds(self, folds: int, repeats: int, validation: float, seed: int) -> list[Fold]:
        """Return the splits of the development rows, each with its inner validation split: in time
        order (`repeats` is 1 there, and the seed has no say) or at random."""
        data, blocks = self.development, self.blocks
        if blocks is not None:
            return make_ordered_folds(blocks, folds=folds, validation=validation)
        return make_folds(
            data.y, folds=folds, repeats=repeats, validation=validation, seed=seed,
            stratify=bool(data.classes), groups=self.groups,
        )  # fmt: skip

    def take_validation(self, share: float, seed: int) -> np.ndarray:
        """Return the inner validation split for a model trained on all development rows: their last
        share in time, or one drawn as in the folds."""
        data, blocks = self.development, self.blocks
        if blocks is not None:
            return take_last(blocks, share)
        stratify = bool(data.classes)
        return take_share(data.y, share, seed, stratify=stratify, groups=self.groups)


def make_task(data: Dataset) -> Task:
    """Return rows as the harness takes them; estimators are given labels as the table has them."""
    labels = None
    if data.classes:
        distinct = data.frame[data.settings.target].drop_duplicates()
        by_name = dict(zip(as_levels(distinct), distinct, strict=True))
        labels = np.array([by_name[name] for name in data.classes])
    return Task(tidy_inputs(data.X), data.y, data.classes, np.ones(len(data)), labels=labels)


def load_split(root: Path, settings: Settings) -> SplitData:
    """Read the data of the project at `root` and set the hold-out aside.

    Raises NinefoldError for whatever is wrong with the file or the settings about it.
    """
    reading = read_source(settings.data.source, root)
    whole = make_dataset(reading.frame, settings.data, settings.study.problem)
    kept, held = _hold_out(whole, settings.harness.holdout, settings.study.seed)
    development, holdout = split_dataset(whole, kept, held)
    for part in (development, holdout):
        _must_hold_all_classes(part)
    return SplitData(development, holdout, len(reading.frame), reading.notes, reading.sha256)


def _hold_out(whole: Dataset, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the development and of the hold-out rows; where rows have a time,
    both in its order, all of the hold-out after all others."""
    if whole.time is None:
        stratify = bool(whole.classes)
        held = take_share(whole.y, share, seed, stratify=stratify, groups=_groups(whole))
        return np.setdiff1d(np.arange(len(whole)), held), held
    order = np.argsort(whole.time, kind="stable")
    last = take_last(_blocks(whole, order), share)
    if not len(last):
        settings = whole.settings
        rest = f" that parts no group of '{settings.group}'" if settings.group else ""
        raise NinefoldError(
            f"'{settings.time}', the time, has no moment{rest} to part the rows at",
            "expected earlier rows to develop on and later ones to hold out",
            "choose another column, or take `time` out of the settings",
        )
    return order[: last[0]], order[last]


def _blocks(data: Dataset, order: np.ndarray | slice = slice(None)) -> np.ndarray:
    """Return the blocks of rows which `order` puts in time order: of one moment, and whole groups.
    Rows with the same inputs need not stay together: the earlier one is known by then."""
    together = [data.time] if data.groups is None else [data.time, data.groups]
    return find_blocks(*(values[order] for values in together if values is not None))


def _must_hold_all_classes(part: Dataset) -> None:
    missing = set(range(len(part.classes))) - set(part.y)
    if not missing:
        return
    where, todo = "in too few groups", "choose a column with more groups, or join rare classes"
    if part.settings.time:
        where = "all before or all after the hold-out begins"
        todo = "hold out another share (harness.holdout), or join rare classes"
    raise NinefoldError(
        f"the rows of the class '{part.classes[int(min(missing))]}' are {where}",
        "rows of each class in the hold-out and in the development rows",
        todo,
    )


def _groups(data: Dataset) -> np.ndarray | None:
    """Return the group column's ids; without one, rows with the same inputs as groups where there
    are any, but not where most rows repeat others: there, new rows will be repeats too, and a few
    large groups would leave the folds without some of the inputs."""
    if data.groups is not None:
        return data.groups
    distinct = len(np.unique(data.identical))
    return data.identical if len(data) / 2 <= distinct < len(data) else None
