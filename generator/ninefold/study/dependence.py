"""What in the development rows speaks against dividing them at random: groups, and an order."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

from ninefold.study.dataset import Dataset
from ninefold.study.statistics.correlation import (
    Dependence,
    correlation_of_neighbours,
    intraclass_correlation,
)

_UNIT_NAME = re.compile(
    r"(?:^|[\W_])(?:id|person|patient|subject|participant|user|customer|client|store|shop|site"
    r"|hospital|clinic|school|household|family|animal|device|sensor|machine|engine|batch|lot"
    r"|speaker|session|station|writer|player|team|plot|well|case|individual)(?:$|[\W_])",
    re.IGNORECASE,
)
_CAMEL_ID = re.compile(r"[a-z](?:Id|ID)$")
_NAMED_LEVELS, _LEVELS = 5, 20  # more than so many, by whether the name is a unit's
_RARE = 1e-4  # chance of a false alarm of one column, or of the order
_STRONG = 0.1  # a correlation below does little harm
_SMOOTH = 3  # degree of what a number tells of the target without being a code
_MOST_LEVELS = 12  # of a category that a line follows
_SOME_GROUPS, _SOME_ROWS = 200, 5_000  # enough to see whether an input is constant within them


@dataclass(frozen=True)
class Unit:
    """A column whose values look like the names of units that have several rows each."""

    column: str
    levels: int
    alike: Dependence


@dataclass(frozen=True)
class Order:
    """What the order of the rows in the file says of the target.

    sorted_by_target  the file is sorted by it, so that `neighbours` says nothing
    neighbours        how alike the targets of neighbouring rows are; what the inputs tell by a
                      straight line is taken off first, where that leaves less
    times             columns that may be the time
    """

    sorted_by_target: bool
    neighbours: Dependence
    times: tuple[str, ...]

    @property
    def matters(self) -> bool:
        found = self.neighbours
        return not self.sorted_by_target and found.p < _RARE and found.correlation > _STRONG


def find_units(data: Dataset) -> list[Unit]:
    """Return the columns that look like identifiers with repeated values, and within whose values
    the target is alike beyond chance, that first which explains most.

    A column counts if it holds text or whole numbers, four values in five have two rows or more,
    and there are more than twenty values. If its name is that of a unit (person, store …), half of
    the values and more than five will do: of pairs, the hold-out has taken some. Without such a
    name another input must be constant within the values, too. Of a number
    only what a cubic in it does not tell of the target counts: an age is no identifier. Nothing is
    looked for where the settings name a group.
    """
    if data.groups is not None:
        return []
    target = _columns_of(data)
    found = []
    for column in data.columns:
        if column.role in ("target", "time"):
            continue
        groups = _as_groups(data, column.name)
        if groups is None:
            continue
        values, left = target[groups >= 0], groups[groups >= 0]
        numbers = data.frame[column.name].to_numpy()[groups >= 0]
        if types.is_numeric_dtype(data.frame[column.name]):
            values = _without(values, _powers(numbers.astype(float)))
        alike = intraclass_correlation(values, left)
        if alike.p < _RARE and alike.correlation > _STRONG:
            found.append(Unit(column.name, int(left.max()) + 1, alike))
    return sorted(found, key=lambda unit: -unit.alike.correlation)


def find_order(data: Dataset, units: list[Unit]) -> Order:
    """Return what the order of the development rows in the file says of the target.

    Neighbours of one group, or of one value of a column that looks like one, are not compared:
    they are alike for another reason. Where the settings name a time nothing is looked for.
    """
    target, nothing = _columns_of(data), Dependence(0.0, 1.0)
    if data.time is not None or len(data) < 30:
        return Order(False, nothing, ())
    if _is_sorted(data):
        return Order(True, nothing, _times(data))
    apart = np.ones(len(data) - 1, dtype=bool)
    known = [data.groups] if data.groups is not None else []
    known += [pd.factorize(data.frame[unit.column])[0] for unit in units]
    for groups in known:
        apart &= np.diff(groups) != 0
    found = correlation_of_neighbours(target, apart)
    if found.p < _RARE:
        found = min(
            found,
            correlation_of_neighbours(_without(target, _design(data)), apart),
            key=lambda one: one.correlation,
        )
    return Order(False, found, _times(data))


def _columns_of(data: Dataset) -> np.ndarray:
    """Return the target as columns (n, k): its ranks, or each class against the rest."""
    if not data.classes:
        return pd.Series(data.y).rank().to_numpy()[:, None]
    one_hot = (data.y[:, None] == np.arange(len(data.classes))).astype(float)
    return one_hot[:, 1:] if len(data.classes) == 2 else one_hot


def _as_groups(data: Dataset, name: str) -> np.ndarray | None:
    """Return the number of each row's value (−1: none), or None where the column is no candidate
    for an identifier with repeated values."""
    values = data.frame[name]
    if types.is_bool_dtype(values) or types.is_datetime64_any_dtype(values):
        return None
    if types.is_numeric_dtype(values):
        present = values.dropna()
        if (present != present.round()).any():
            return None
    groups, levels = pd.factorize(values)
    named = bool(_UNIT_NAME.search(name) or _CAMEL_ID.search(name))
    sizes = np.bincount(groups[groups >= 0], minlength=len(levels))
    fewest, repeated = (_NAMED_LEVELS, 0.5) if named else (_LEVELS, 0.8)
    if len(levels) <= fewest or np.mean(sizes >= 2) < repeated:
        return None
    return groups if named or _holds_another_constant(data, name, groups) else None


def _holds_another_constant(data: Dataset, name: str, groups: np.ndarray) -> bool:
    """Tell whether some other input has one value within nine in ten of the groups of two rows or
    more, and would not have if the rows were shuffled."""
    rows = np.flatnonzero((groups >= 0) & (groups < _SOME_GROUPS))[:_SOME_ROWS]
    kept = groups[rows]
    shuffled = np.random.default_rng(0).permutation(kept)
    for other in data.X.columns.drop(name, errors="ignore"):
        codes = pd.Series(pd.factorize(data.X[other].iloc[rows])[0])
        if _share_constant(codes, kept) >= 0.9 and _share_constant(codes, shuffled) < 0.5:
            return True
    return False


def _share_constant(codes: pd.Series, groups: np.ndarray) -> float:
    within = codes.groupby(groups).agg(["size", "nunique"])
    several = within[within["size"] > 1]
    return float((several["nunique"] == 1).mean()) if len(several) else 0.0


def _is_sorted(data: Dataset) -> bool:
    """Tell whether the classes follow one another, each in one block, or the numbers rise or
    fall."""
    steps = np.diff(data.y)
    if data.classes:
        return np.count_nonzero(steps) == len(data.classes) - 1
    return bool((steps >= 0).all() or (steps <= 0).all())


def _times(data: Dataset) -> tuple[str, ...]:
    """Return the columns that may be the time: dates first, then numbers that never fall, or never
    rise, from row to row."""
    dates = [c.name for c in data.columns if c.reason == "a date"]
    steps = {str(name): np.diff(data.X[name].to_numpy()) for name in data.numbers}
    rising = [name for name, step in steps.items() if (step >= 0).all() or (step <= 0).all()]
    return (*dates, *(name for name in rising if data.X[name].nunique() > 2))


def _powers(x: np.ndarray) -> np.ndarray:
    scaled = (x - x.mean()) / (x.std() or 1.0)
    return scaled[:, None] ** np.arange(_SMOOTH + 1)


def _design(data: Dataset) -> np.ndarray:
    """Return the inputs as numbers (n, k): gaps filled with the mean, categories of few levels as
    columns of their own."""
    parts = [np.ones((len(data), 1))]
    for name in data.X:
        values = data.X[name]
        if name in data.numbers:
            filled = values.fillna(values.mean() if values.notna().any() else 0.0).to_numpy()
            parts.append(filled[:, None])
        elif values.nunique() <= _MOST_LEVELS:
            parts.append(pd.get_dummies(values).to_numpy(dtype=float))
    return np.column_stack(parts)


def _without(values: np.ndarray, design: np.ndarray) -> np.ndarray:
    """Return what is left of the values (n, k) when least squares has told what it can."""
    return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
