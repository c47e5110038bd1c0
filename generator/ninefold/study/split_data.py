"""The dataset, split into development rows and a hold-out, before anything else is looked at.

Which rows are held out depends on the target (to stratify), the groups and which rows are
identical. What the columns are is decided on the development rows alone.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.settings import Settings
from ninefold.study.dataset import Dataset, make_dataset, split_dataset
from ninefold.study.learners import Task
from ninefold.study.preparation import tidy_inputs
from ninefold.study.reading import read_source
from ninefold.study.splits import take_share


@dataclass(frozen=True)
class SplitData:
    """All rows of a study, divided once and for all by its seed.

    development  what every section may see
    holdout      what section 7 alone may see
    rows         in the file, those without a target included
    notes        what was found in reading the file
    """

    development: Dataset
    holdout: Dataset
    rows: int
    notes: tuple[str, ...]

    @property
    def without_target(self) -> int:
        return self.rows - len(self.development) - len(self.holdout)

    @property
    def groups(self) -> np.ndarray | None:
        """Return the ids of development rows that never part, or None (see `_groups`)."""
        return _groups(self.development)


def make_task(data: Dataset) -> Task:
    """Return rows as the harness takes them."""
    return Task(tidy_inputs(data.X), data.y, data.classes, np.ones(len(data)))


def load_split(root: Path, settings: Settings) -> SplitData:
    """Read the data of the project at `root` and set the hold-out aside.

    Raises NinefoldError for whatever is wrong with the file or the settings about it.
    """
    if settings.data.time:
        raise NinefoldError(
            f"data.time is '{settings.data.time}'",
            "this version does not split by time",
            "remove the setting; 'drop' leaves the column out",
        )
    reading = read_source(settings.data.source, root)
    whole = make_dataset(reading.frame, settings.data, settings.study.problem)
    held = take_share(
        whole.y, settings.harness.holdout, settings.study.seed,
        stratify=bool(whole.classes), groups=_groups(whole),
    )  # fmt: skip
    kept = np.setdiff1d(np.arange(len(whole)), held)
    development, holdout = split_dataset(whole, kept, held)
    for part in (development, holdout):
        _must_hold_all_classes(part)
    return SplitData(development, holdout, len(reading.frame), reading.notes)


def _must_hold_all_classes(part: Dataset) -> None:
    missing = set(range(len(part.classes))) - set(part.y)
    if missing:
        raise NinefoldError(
            f"the rows of the class '{part.classes[int(min(missing))]}' are in too few groups",
            "rows of each class in the hold-out and in the development rows",
            "choose a column with more groups, or join rare classes",
        )


def _groups(data: Dataset) -> np.ndarray | None:
    """Return the group column's ids; without one, rows with the same inputs as groups where there
    are any, but not where most rows repeat others: there, new rows will be repeats too, and a few
    large groups would leave the folds without some of the inputs."""
    if data.groups is not None:
        return data.groups
    distinct = len(np.unique(data.identical))
    return data.identical if len(data) / 2 <= distinct < len(data) else None
