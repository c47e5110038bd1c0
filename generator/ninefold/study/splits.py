"""Which rows are held out, trained on, validated on and tested on.

Everything here is a pure function of labels, groups, sizes and a seed; row numbers go out.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

from ninefold.errors import NinefoldError


@dataclass(frozen=True)
class Fold:
    """One fold of one repeat. `train`, `validation` and `test` are disjoint row numbers;
    `validation` is the inner split that whatever chooses may see.

    given  the training fold as a splitter of the user's gave it, in its order; None: sorted
    """

    repeat: int
    fold: int
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    given: np.ndarray | None = None

    @property
    def name(self) -> str:
        return place_name(self.repeat, self.fold)

    @property
    def outer(self) -> np.ndarray:
        """Return the rows of the training fold, inner validation included."""
        if self.given is not None:
            return self.given
        return np.sort(np.concatenate([self.train, self.validation]))


def place_name(repeat: int, fold: int) -> str:
    """Return what a message calls a fold; people count from 1."""
    return f"repeat {repeat + 1}, fold {fold + 1}"


@dataclass(frozen=True)
class Plan:
    """How many folds and repeats, and why."""

    folds: int
    repeats: int
    reason: str


def plan_folds(
    rows: int,
    smallest_class: int | None,
    groups: int | None,
    folds: int | None = None,
    repeats: int | None = None,
    *,
    blocks: int | None = None,
) -> Plan:
    """Choose folds and repeats from the size of the data, unless they are given.

    rows            development rows
    smallest_class  rows of the rarest class, None for a regression
    groups          number of groups, None where rows stand alone
    blocks          moments that follow one another, where the folds are to do so (see `time_order`)

    Where there are no more groups than folds each fold is a group, whatever the seed: one repeat.

    Raises NinefoldError where the data cannot fill the folds, or repeats are asked for that would
    all be the same.
    """
    usual_folds, usual_repeats = next(plan for most, plan in _SIZES if rows <= most)
    most, scarce = limit_folds(rows, smallest_class, groups, blocks)
    if (folds is not None and folds < 2) or (repeats is not None and repeats < 1):
        raise NinefoldError(f"{folds} folds × {repeats} repeats", "expected at least 2 × 1")
    if most < 2 or (folds or 2) > most:
        raise NinefoldError(
            f"{folds or 2} folds cannot be filled: {scarce}",
            f"at most {most} folds" if most > 1 else "at least two folds",
            "ask for fewer folds" if most > 1 else "collect more rows, or join rare classes",
        )
    if folds or repeats:
        reason = "as ninefold.toml says"
    elif most < usual_folds:
        reason = f"fewer folds than usual: {scarce}"
    else:
        reason = f"usual for {rows:,} development rows"
    number = folds or min(usual_folds, most)
    if not repeats_differ(number, groups):
        if (repeats or 1) > 1:
            raise NinefoldError(
                f"{repeats} repeats of {number} folds of {groups} groups",
                "each fold is one group, so that each repeat would be the same",
                "set repeats = 1, or leave it out",
            )
        return Plan(number, 1, f"{reason}; no repeats, since each fold is one group")
    return Plan(number, repeats or usual_repeats, reason)


def repeats_differ(folds: int, groups: int | None) -> bool:
    """Return whether another shuffle gives other folds: not of as many groups as folds."""
    return groups is None or groups > folds


# Most development rows → (folds, repeats): more rows need fewer fits for the same precision.
_SIZES = ((1_000, (10, 3)), (5_000, (10, 1)), (20_000, (5, 1)), (float("inf"), (3, 1)))


def repeat_often(
    plan: Plan, rows: int, *, epochs: int, batch_size: int, seeds: int, validation: float
) -> Plan:
    """Return a plan of three repeats with ten, if an experiment of ten networks then takes a
    million training steps at most, each of one network on one batch; else as it is.

    Decided by sizes, never by a clock: the same study has the same folds on any machine.
    """
    trained = round(rows * (1 - 1 / plan.folds) * (1 - validation))
    fits = plan.folds * _OFTEN * seeds * _VARIANTS
    steps = fits * epochs * -(-trained // batch_size)
    if plan.repeats != 3 or steps > _CHEAP:
        return plan
    why = f"{_OFTEN} repeats, since training is cheap: {steps:,} steps for {_VARIANTS} networks"
    return replace(plan, repeats=_OFTEN, reason=f"{plan.reason}; {why}")


# A million steps of the template's network took 106 s of processor time where variants differ in
# the learning rate, 172 s where each is traced by itself.
_OFTEN, _VARIANTS, _CHEAP = 10, 10, 1_000_000


def limit_folds(
    rows: int, smallest_class: int | None, groups: int | None, blocks: int | None = None
) -> tuple[int, str]:
    """Return the most folds that can be filled, and what there is too little of for more."""
    limits = [(rows // 2, f"there are {rows} rows")]
    if groups is not None:
        limits.append((groups, f"there are {groups} groups"))
    if smallest_class is not None:
        limits.append((smallest_class, f"the rarest class has {smallest_class} development rows"))
    if blocks is not None:
        limits.append((blocks - 1, f"the rows are of {blocks} moments, the first of them to train"))
    return min(limits, key=lambda limit: limit[0])


def make_folds(
    y: np.ndarray,
    *,
    folds: int,
    repeats: int,
    validation: float,
    seed: int,
    stratify: bool,
    groups: np.ndarray | None = None,
) -> list[Fold]:
    """Return folds × repeats splits of the rows of `y`, each with its inner validation split.

    Stratified by `y` for a classification (`stratify`); rows of one group never part. Each
    repeat shuffles anew, from `seed` and the repeat's number. Where there are no groups and rows
    enough, networks of all folds train on as many rows.
    """
    made = []
    for repeat in range(repeats):
        one = []
        for number, test in enumerate(
            _tests(y, folds, derive_seed(seed, repeat), stratify, groups)
        ):
            outer = np.setdiff1d(np.arange(len(y)), test)
            inner = derive_seed(seed, repeat, number)
            part = None if groups is None else groups[outer]
            held = take_share(y[outer], validation, inner, stratify=stratify, groups=part)
            one.append(Fold(repeat, number, np.delete(outer, held), outer[held], test))
        strata = y if stratify else np.zeros(len(y), dtype=int)
        level = groups is None and validation > 0
        made += _level(one, strata, validation, seed) if level else one
    return made


def _level(folds: list[Fold], y: np.ndarray, share: float, seed: int) -> list[Fold]:
    """Move the row or two that a fold of a repeat has more to train on than another to its inner
    validation; of few rows, more than one in twenty, they stay.

    y  (n,) class codes, or zeros where the folds are not stratified
    """
    sizes = [len(fold.train) for fold in folds]
    fewest = min(sizes)
    if max(sizes) - fewest > fewest / 20:
        return folds
    return [_hold_more(fold, len(fold.train) - fewest, y, share, seed) for fold in folds]


def _hold_more(fold: Fold, rows: int, y: np.ndarray, share: float, seed: int) -> Fold:
    """Move so many rows to the inner validation split, each of the class it holds too few of."""
    train, validation = fold.train, fold.validation
    generator = np.random.default_rng(derive_seed(seed, fold.repeat, fold.fold, rows))
    for _ in range(rows):
        held, left = (np.bincount(y[part], minlength=y.max() + 1) for part in (validation, train))
        missing = np.where(left > 1, share * (held + left) - held, -np.inf)
        moved = generator.choice(train[y[train] == missing.argmax()])
        train = train[train != moved]
        validation = np.sort(np.append(validation, moved))
    return replace(fold, train=train, validation=validation)


def take_share(
    y: np.ndarray,
    share: float,
    seed: int,
    *,
    stratify: bool,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Return the sorted row numbers of about `share` of the rows: of each class where
    `stratify`, of whole groups where there are groups. A class of one row, or the only group,
    is left whole."""
    if share == 0 or (groups is not None and len(np.unique(groups)) < 2):
        return np.array([], dtype=int)
    if groups is not None:
        return _take_groups(y if stratify else np.zeros(len(y)), share, seed, groups)
    generator = np.random.default_rng(seed)
    strata = (
        [np.flatnonzero(y == code) for code in np.unique(y)] if stratify else [np.arange(len(y))]
    )
    taken = [generator.permutation(rows)[: _count(len(rows), share)] for rows in strata]
    return np.sort(np.concatenate(taken))


def _count(rows: int, share: float) -> int:
    """At least one row is taken of two or more, and at least one stays."""
    return 0 if rows < 2 else min(max(1, round(share * rows)), rows - 1)


def _take_groups(y: np.ndarray, share: float, seed: int, groups: np.ndarray) -> np.ndarray:
    """In random order, take each group that brings what is taken of the classes closer to the
    share: large groups would overshoot it by far (scikit-learn's first grouped fold of unequal
    groups may hold most rows). At least one is taken, and at least one stays."""
    numbers, classes = (np.unique(values, return_inverse=True)[1] for values in (groups, y))
    counts = np.zeros((numbers.max() + 1, classes.max() + 1))
    np.add.at(counts, (numbers, classes), 1)
    parts = counts / counts.sum(axis=0)  # (groups, classes): which part of a class a group holds
    order = np.random.default_rng(seed).permutation(len(parts))
    taken: list[int] = []
    missing = np.full(parts.shape[1], share)
    for group in order:
        left = missing - parts[group]
        if np.abs(left).sum() < np.abs(missing).sum() and len(taken) < len(parts) - 1:
            taken.append(group)
            missing = left
    if not taken:
        taken = [order[np.abs(parts[order] - share).sum(axis=1).argmin()]]
    return np.flatnonzero(np.isin(numbers, taken))


def _tests(
    y: np.ndarray, folds: int, seed: int, stratify: bool, groups: np.ndarray | None
) -> list[np.ndarray]:
    """Return the rows that each fold tests."""
    if groups is not None and stratify:
        return _stratified_groups(y, groups, folds, seed)
    kind: Any = GroupKFold if groups is not None else StratifiedKFold if stratify else KFold
    splitter = kind(n_splits=folds, shuffle=True, random_state=seed)
    return [np.asarray(test) for _, test in splitter.split(y, y, groups)]


_DRAWS = 30  # of an order of the groups


def _stratified_groups(
    y: np.ndarray, groups: np.ndarray, folds: int, seed: int
) -> list[np.ndarray]:
    """Return the rows that each fold tests: whole groups, so that each fold has about as much of
    each class.

    The groups whose rows are most unevenly spread over the classes come first, in random order
    where they are alike; each goes to the fold where it leaves the classes most even, as in
    scikit-learn's StratifiedGroupKFold, whose folds differ between its versions. Where few groups
    leave a fold without rows, or a class without a training row, another order is drawn. Raises
    NinefoldError where none does better.
    """
    numbers, classes = (np.unique(values, return_inverse=True)[1] for values in (groups, y))
    counts = np.zeros((numbers.max() + 1, classes.max() + 1))
    np.add.at(counts, (numbers, classes), 1)
    for draw in range(_DRAWS):
        order = np.random.default_rng(derive_seed(seed, draw)).permutation(len(counts))
        order = order[np.argsort(-counts[order].std(axis=1).round(9), kind="stable")]
        found, held = _deal(counts, order, folds)
        if held.sum(axis=1).all() and (held < counts.sum(axis=0)).all():
            return [np.flatnonzero(found[numbers] == fold) for fold in range(folds)]
    raise NinefoldError(
        f"{len(counts)} groups do not fill {folds} folds with every class",
        "a row of each class to train on, and rows to test on, in each fold",
        "use fewer folds, or join rare classes",
    )


def _deal(counts: np.ndarray, order: np.ndarray, folds: int) -> tuple[np.ndarray, np.ndarray]:
    """Deal groups of so many rows of each class (groups, classes) to folds; return the fold of each
    group, and what each fold then holds (folds, classes)."""
    held = np.zeros((folds, counts.shape[1]))
    found = np.zeros(len(counts), dtype=int)
    each = np.eye(folds)[:, :, None]
    for group in order:
        dealt = held + each * counts[group]  # (to which fold, folds, classes)
        uneven = (dealt / counts.sum(axis=0)).std(axis=1).mean(axis=1).round(9)
        best = np.lexsort((held.sum(axis=1), uneven))[0]
        held[best] += counts[group]
        found[group] = best
    return found, held


def derive_seed(*numbers: int) -> int:
    """Return a seed that depends on all the numbers (seed, repeat, fold, …) and on nothing else."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0] >> 1)
