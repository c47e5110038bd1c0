"""What each column of a table is good for: its role, and the reason for it."""

import re
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from pandas.api import types

from ninefold.errors import NinefoldError
from ninefold.settings import DataSettings
from ninefold.study.dates import parse_dates
from ninefold.suggestions import did_you_mean

Role = Literal["target", "number", "category", "group", "time", "left out"]
Verdict = tuple[Role, str]

_ENOUGH = 10  # values before "all different" or "in sequence" means anything
_FEW_LEVELS = 10  # whole numbers with at most so many values may be codes
_MANY_LEVELS = 20  # text with more values, most of them different, is free text
_ID_NAME = re.compile(
    r"(?:^|[\W_])(?:id|uid|uuid|guid|identifier|index|row|rowid|rownames|serial|nr)$"
    r"|^unnamed: 0$",
    re.IGNORECASE,
)
_CAMEL_ID = re.compile(r"[a-z](?:Id|ID)$")
_CODE_NAME = re.compile(r"(?:^|[\W_])(?:code|zip|zipcode|postcode)$", re.IGNORECASE)
_TRUTHS = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Column:
    """One column: its role, the reason for it ("" where it is plain), and two counts."""

    name: str
    role: Role
    reason: str
    missing: int
    distinct: int


def describe_columns(
    frame: pd.DataFrame, settings: DataSettings, problem: str = "auto"
) -> tuple[Column, ...]:
    """Describe all columns of `frame` in their order, from its rows alone.

    `problem`, where it is known already, is the reason given for the target. Raises NinefoldError
    for a column that the settings name and the table lacks.
    """
    check_names(frame, settings)
    return tuple(_describe(frame[name], settings, problem) for name in frame.columns)


def check_names(frame: pd.DataFrame, settings: DataSettings) -> None:
    """Raise NinefoldError where the settings name a column that is absent, or one for two roles."""
    singles = {"target": settings.target, "group": settings.group, "time": settings.time}
    named = [(key, name) for key, name in singles.items() if name]
    named += [("drop", name) for name in settings.drop]
    for key, name in [*named, *(("categorical", name) for name in settings.categorical)]:
        if name not in frame.columns:
            what = "target" if key == "target" else f"column of `{key}`"
            raise NinefoldError(
                f"the {what} '{name}' is not among the columns", did_you_mean(name, frame.columns)
            )
    names = [name for _, name in named]
    for name in names:
        if names.count(name) > 1:
            keys = " and ".join(f"`{k}`" for k, n in named if n == name)
            raise NinefoldError(f"'{name}' is named as {keys}", "expected one role for each column")


def infer_problem(values: pd.Series, setting: str = "auto") -> tuple[str, str]:
    """Return the kind of problem that a target poses ("regression", "binary", "multiclass"), and
    why.

    Raises NinefoldError for a target with one value only, and where `setting` does not fit it.
    """
    present = values.dropna()
    distinct = present.nunique()
    name = f"the target '{values.name}'"
    if types.is_datetime64_any_dtype(present):
        raise NinefoldError(f"{name} is a date", "expected numbers or labels")
    if distinct < 2:
        found = f"one value only, '{present.iloc[0]}'" if distinct else "no value"
        raise NinefoldError(f"{name} has {found}", "expected two or more")
    if setting != "auto":
        _check_setting(present, setting, name)
        return setting, "as the settings say"
    if distinct == 2:
        return "binary", "two different values"
    if not _is_number(present):
        return "multiclass", f"{distinct} different labels"
    counts = present.value_counts()
    if _is_whole(present) and distinct <= 20 and distinct <= len(present) / 10 and counts.min() > 1:
        return "multiclass", f"{distinct} different whole numbers"
    return "regression", f"a number with {distinct} different values"


def _check_setting(present: pd.Series, setting: str, name: str) -> None:
    todo = f"set `problem` to something else than '{setting}', or 'auto'"
    if setting == "regression" and not _is_number(present):
        raise NinefoldError(
            f"{name} holds text such as '{present.iloc[0]}'", "expected numbers", todo
        )
    distinct = present.nunique()
    if setting == "binary" and distinct != 2:
        raise NinefoldError(f"{name} has {distinct} different values", "expected two", todo)
    if setting == "multiclass" and distinct < 3:
        raise NinefoldError(f"{name} has two different values", "expected more", todo)


def as_levels(values: pd.Series) -> pd.Series:
    """Return values as text (dtype object), None where missing; 2 and 2.0 are both "2"."""
    return pd.Series(
        [_level(v) for v in values], index=values.index, name=values.name, dtype=object
    )


def _level(value: object) -> str | None:
    if pd.isna(value):  # type: ignore[call-overload]
        return None
    if isinstance(value, float) and value.is_integer():  # NumPy's float64 is one too
        return str(int(value))
    return str(value)


def as_numbers(values: pd.Series) -> pd.Series:
    """Return values as float64, NaN where missing; truths become 1 and 0.

    Raises NinefoldError naming the first value that is no number.
    """
    if _is_number(values) or types.is_bool_dtype(values):
        return values.astype("float64")
    levels = as_levels(values)
    truths = levels.str.lower().map(_TRUTHS).astype("float64")
    numbers = pd.to_numeric(levels, errors="coerce").astype("float64").fillna(truths)
    wrong = levels[numbers.isna() & levels.notna()]
    if len(wrong):
        raise NinefoldError(
            f"column '{values.name}' holds '{wrong.iloc[0]}'", "expected numbers", "mend the column"
        )
    return numbers


def _describe(values: pd.Series, settings: DataSettings, problem: str) -> Column:
    present = values.dropna()
    name, distinct = str(values.name), int(present.nunique())
    role, reason = (
        _by_settings(name, present, settings, problem)
        or _empty(distinct, len(present) < len(values))
        or _by_categorical(name, settings)
        or _by_type(name, present, distinct)
    )
    return Column(name, role, reason, len(values) - len(present), distinct)


def _by_settings(
    name: str, present: pd.Series, settings: DataSettings, problem: str
) -> Verdict | None:
    if name == settings.target:
        return "target", ": ".join(infer_problem(present)) if problem == "auto" else problem
    if name in settings.drop:
        return "left out", "set aside by `drop`"
    if name == settings.group:
        return "group", "its rows stay together"
    if name == settings.time:
        return "time", "earlier rows predict later ones"
    return None


def _empty(distinct: int, gaps: bool) -> Verdict | None:
    if distinct == 0:
        return "left out", "no values"
    if distinct == 1:
        return "left out", "constant apart from missing values" if gaps else "constant"
    return None


def _by_categorical(name: str, settings: DataSettings) -> Verdict | None:
    return ("category", "listed under categorical") if name in settings.categorical else None


def _by_type(name: str, present: pd.Series, distinct: int) -> Verdict:
    if types.is_timedelta64_dtype(present):
        return "left out", "a duration; give it as a number"
    if types.is_bool_dtype(present) or (
        distinct == 2 and set(as_levels(present).str.lower()) == set(_TRUTHS)
    ):
        return "number", "true and false, taken as 1 and 0"
    dates = parse_dates(present)
    if dates is not None and dates.notna().mean() >= 0.95:
        return "left out", "a date"
    return (_number if _is_number(present) else _text)(name, present, distinct)


def _number(name: str, present: pd.Series, distinct: int) -> Verdict:
    if not _is_whole(present):
        return "number", ""
    named = bool(_ID_NAME.search(name) or _CAMEL_ID.search(name))
    if distinct == len(present) and (named or _is_sequence(present)):
        return "left out", "an identifier: every value is different"
    if named and distinct > _MANY_LEVELS:
        return (
            "left out",
            "an identifier by its name; name it as `group` if its rows belong together",
        )
    if 2 < distinct <= _FEW_LEVELS or _CODE_NAME.search(name):
        return "number", (
            f"a number with {distinct} distinct values; list it under categorical if it is a code"
        )
    return "number", ""


def _is_sequence(present: pd.Series) -> bool:
    """Tell whether all-different whole numbers count the rows: consecutive in any order, or
    ascending with small gaps, as after some rows were deleted."""
    if len(present) < _ENOUGH:
        return False
    span = present.max() - present.min() + 1
    ascending = present.is_monotonic_increasing and span <= 10 * len(present)
    return bool(span == len(present) or ascending)


def _text(name: str, present: pd.Series, distinct: int) -> Verdict:
    wordy = present.astype(str).str.count(r"\s").mean() >= 3
    if len(present) >= _ENOUGH and distinct == len(present):
        kind = "free text" if wordy else "an identifier"
        return "left out", f"{kind}: every value is different"
    numeric = pd.to_numeric(as_levels(present), errors="coerce").notna()
    if distinct > _MANY_LEVELS and numeric.mean() >= 0.8:
        word = present[~numeric].iloc[0] if not numeric.all() else present.iloc[0]
        return "left out", (
            f"{100 * numeric.mean():.0f} % numbers, the rest text such as '{word}'; write it as NA"
        )
    if distinct > _MANY_LEVELS and distinct > len(present) / 2:
        share = f"{100 * distinct / len(present):.0f} % of the values differ"
        names = f"names: {share}; name it as `group` if its rows belong together"
        return "left out", f"free text: {share}" if wordy else names
    return "category", ""


def _is_number(values: pd.Series) -> bool:
    return types.is_numeric_dtype(values) and not types.is_bool_dtype(values)


def _is_whole(present: pd.Series) -> bool:
    return bool((present == present.round()).all())
