"""The splits that `evaluate` is asked for: repeated k-fold, or what a splitter of scikit-learn's or
the user's own folds say."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import check_cv

from ninefold.errors import NinefoldError, must_be_whole
from ninefold.study.splits import Fold, derive_seed, make_folds, plan_folds, take_share
from ninefold.study.task import Task
from ninefold.study.time_order import find_blocks, is_ordered, take_last


def make_splits(
    task: Task,
    *,
    folds: int,
    repeats: int,
    validation: float,
    seed: int,
    splitter: Any = None,
    groups: Any = None,
) -> list[Fold]:
    """Return the splits of a task's rows: folds × repeats, or those of a scikit-learn splitter.

    Raises NinefoldError where the rows cannot fill them.
    """
    for name, number, least in (("folds", folds, 2), ("repeats", repeats, 1), ("seed", seed, 0)):
        must_be_whole(name, number, least)
    if isinstance(validation, bool) or not isinstance(validation, Real) or not 0 <= validation < 1:
        raise NinefoldError(f"validation={validation!r}", "expected a share from 0 to below 1")
    ids = None
    if groups is not None:
        groups = np.asarray(groups)
        must_match("groups", groups, len(task.y))
        ids = pd.factorize(groups, use_na_sentinel=False)[0]
    if splitter is not None:
        splits = _from_splitter(splitter, task, validation, seed, groups, ids)
        _must_have_two_classes(task, splits)
        for absent in absent_classes(task, splits):
            warnings.warn(f"{absent}, which cannot be predicted there", stacklevel=3)
        return splits
    smallest = int(np.bincount(task.y).min()) if task.classes else None
    number = None if ids is None else int(ids.max()) + 1
    if repeats > 1 and folds >= 2 and number == folds:
        warnings.warn(
            f"{folds} folds of {number} groups: each fold is one group, so that {repeats} repeats "
            "would be the same; one is made",
            stacklevel=3,
        )
        repeats = 1
    plan_folds(len(task.y), smallest, number, folds, repeats)
    splits = make_folds(
        task.y, folds=folds, repeats=repeats, validation=validation, seed=seed,
        stratify=bool(task.classes), groups=ids,
    )  # fmt: skip
    must_be_filled(task, splits)
    return splits


def _from_splitter(
    splitter: Any,
    task: Task,
    validation: float,
    seed: int,
    groups: np.ndarray | None,
    ids: np.ndarray | None,
) -> list[Fold]:
    """Take the splitter's folds; where they are ordered in time, the inner validation split is the
    last share of each training fold, else drawn as `take_share` does.

    groups  (n,) as the splitter is given them; ids: the same, numbered
    """
    pairs = _split(splitter, task, groups)
    _must_be_folds(pairs, short(splitter), ids)
    # the repeated splitters of scikit-learn number all their folds through
    per_repeat = getattr(splitter, "cvargs", {}).get("n_splits", len(pairs))
    ordered, made = is_ordered(pairs), []
    for number, (outer, test) in enumerate(pairs):
        outer = np.sort(outer) if ordered else outer
        part = None if ids is None else ids[outer]
        if ordered:
            held = take_last(find_blocks(outer if part is None else part), validation)
        else:
            held = take_share(
                task.y[outer], validation, derive_seed(seed, number),
                stratify=bool(task.classes), groups=part,
            )  # fmt: skip
        repeat, fold = divmod(number, per_repeat)
        made.append(Fold(repeat, fold, np.delete(outer, held), outer[held], test, outer))
    return made


def _split(
    splitter: Any, task: Task, groups: np.ndarray | None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (training rows, test rows) of each fold, by their numbers."""
    called, rows = short(splitter), len(task.y)
    if isinstance(splitter, str | type) or not callable(getattr(splitter, "split", None)):
        try:
            if isinstance(splitter, type):
                raise TypeError("a class, not a splitter")
            splitter = check_cv(splitter, task.y, classifier=bool(task.classes))
        except (ValueError, TypeError):
            raise NinefoldError(
                f"splitter={called}",
                "expected a splitter of scikit-learn, such as KFold(5), a number of folds, or for "
                "each of them the numbers of rows to train and to test on",
            ) from None
    try:
        with warnings.catch_warnings():  # a group that is ignored and parted is refused below
            warnings.filterwarnings("ignore", "The groups parameter is ignored")
            X = task.y if isinstance(task.X, Mapping) else task.X
            pairs = [
                (_row_numbers(train, rows), _row_numbers(test, rows))
                for train, test in splitter.split(X, task.named(task.y), groups)
            ]
    except (ValueError, TypeError, IndexError) as error:
        raise NinefoldError(f"{called} cannot split these {rows} rows: {error}") from None
    return pairs


def _row_numbers(given: Any, rows: int) -> np.ndarray:
    """Return the numbers, from 0, of rows that are given as an array can be indexed: by numbers,
    negative ones from the end, or by a mask."""
    numbers = np.asarray(given)
    if numbers.dtype == bool and numbers.shape == (rows,):
        return np.flatnonzero(numbers)
    if numbers.ndim != 1 or (len(numbers) and numbers.dtype.kind not in "iu"):
        raise ValueError(f"expected numbers of rows, not {short(given)}")
    outside = numbers[(numbers < -rows) | (numbers >= rows)]
    if len(outside):
        raise ValueError(f"there is no row {outside[0]}")
    return numbers.astype(int) % rows


def _must_be_folds(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]], called: str, ids: np.ndarray | None
) -> None:
    if not pairs:
        raise NinefoldError(f"{called} makes no fold")
    for number, (train, test) in enumerate(pairs, start=1):
        name = f"fold {number} of {called}"
        if not len(train) or not len(test):
            raise NinefoldError(f"{name} has no row to train or to test on")
        if np.isin(test, train).any():
            raise NinefoldError(f"{name} trains and tests on the same row")
        if ids is not None and np.isin(ids[test], ids[train]).any():
            raise NinefoldError(
                f"{name} trains and tests on rows of the same group",
                todo="take a splitter that heeds groups, such as GroupKFold, or leave them out",
            )


def short(value: Any) -> str:
    shown = " ".join(repr(value).split())
    return shown if len(shown) < 60 else f"{shown[:50]} …"


def _must_have_two_classes(task: Task, splits: Sequence[Fold]) -> None:
    for fold in splits if task.classes else ():
        codes = np.unique(task.y[fold.train])
        if len(codes) == 1:
            raise NinefoldError(
                f"{fold.name}: all training rows are of the class {task.classes[codes[0]]}",
                "expected two classes at least",
                "take other folds, such as fewer or longer ones",
            )


def must_be_filled(task: Task, splits: Sequence[Fold]) -> None:
    for absent in absent_classes(task, splits):
        raise NinefoldError(
            absent, "every class in every training fold", "use fewer folds or join rare classes"
        )


def absent_classes(task: Task, splits: Sequence[Fold]) -> Iterator[str]:
    """Say of each fold that trains on no row of some class, which."""
    for fold in splits:
        missing = set(range(len(task.classes))) - set(task.y[fold.train].tolist())
        if missing:
            names = ", ".join(task.classes[code] for code in sorted(missing))
            yield f"{fold.name}: no training row of the class {names}"


def must_match(name: str, values: np.ndarray, rows: int) -> None:
    if values.shape != (rows,):
        raise NinefoldError(
            f"{name} has the shape {values.shape} and X {rows} rows", "expected one for each row"
        )
