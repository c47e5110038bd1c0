"""A study's settings: `ninefold.toml`, validated, each mistake said with its nearest remedy.

The schema (version 1) is this module: a table of the file is a model, a key of it a field.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from ninefold.bounded import SETTINGS
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.grid import check_size, check_values, is_value
from ninefold.suggestions import did_you_mean

Problem = Literal["auto", "regression", "binary", "multiclass"]
Text = Annotated[str, StringConstraints(strip_whitespace=True)]


_STRING = re.compile(r""""(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'""")
_VERY_DOTTED = re.compile(r"""(?<![\w."-])(?:(?:[\w-]++|"")[ \t]*+\.[ \t]*+){16}""")


class _Table(BaseModel):
    """A table of the file. Reading a value of it raises the audit event "ninefold.setting" with
    its name and `spell` of it, by which a run knows on what a section's results depend; whatever
    copies or compares whole tables reads all of their values."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    table: ClassVar[str]  # its name in the file; "" where a value has no name of its own

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name == "__dict__":
            for own in value:
                getattr(self, own)
                if isinstance(value[own], _Table):
                    vars(value[own])
        elif not name.startswith("_") and name in object.__getattribute__(self, "__dict__"):
            table = type(self).table
            if table or name == "sections":
                sys.audit("ninefold.setting", f"{table}.{name}".strip("."), spell(value))
        return value


def spell(value: Any) -> str:
    """Return a setting's value as JSON."""
    return json.dumps(value, ensure_ascii=False, default=lambda own: own.model_dump())


def find_setting(settings: "Settings", name: str) -> str:
    """Return the JSON of a setting by its name, "harness.epochs"; null where there is none."""
    value: Any = settings
    for part in name.split("."):
        is_table = isinstance(value, _Table) and part in type(value).model_fields
        value = getattr(value, part) if is_table else None
    return spell(value)


def holdout_settings(settings: "Settings") -> dict[str, str]:
    """Return the settings that say which rows are held out: name → JSON. In time order, the seed
    has no say."""
    names = ["data.source", "data.target", "data.group", "data.time", "harness.holdout"]
    names += [] if settings.data.time else ["study.seed"]
    return {name: find_setting(settings, name) for name in names}


class StudySettings(_Table):
    """`[study]`: what the study is called, whose it is, and what it asks."""

    table = "study"

    title: Text = Field(min_length=1)
    package: str = Field(pattern=r"^[a-z_][a-z0-9_]*$")
    author: Text = ""
    email: Text = ""
    github: Text = ""
    problem: Problem = "auto"
    metric: str = "auto"  # a name in study/metrics.py; "auto": declared by the data, see there
    seed: int = Field(1, ge=0, lt=2**31)


class DataSettings(_Table):
    """`[data]`: where the rows come from, and how its columns are to be taken."""

    table = "data"

    source: str = Field(min_length=1)  # a path from the project's root, or "builtin:NAME"
    target: str = Field(min_length=1)
    origin: Text = ""
    licence: Text = ""
    drop: list[str] = []
    categorical: list[str] = []
    group: str = ""
    time: str = ""


class HarnessSettings(_Table):
    """`[harness]`: how models are judged. What is left out is chosen from the size of the data."""

    table = "harness"

    folds: int | None = Field(None, ge=2)
    repeats: int | None = Field(None, ge=1)
    epochs: int = Field(100, ge=1)
    batch_size: int = Field(32, ge=1)
    seeds: int = Field(2, ge=1)  # networks trained in each fold
    validation: float = Field(0.2, ge=0, lt=1)  # share of each training fold
    holdout: float = Field(0.2, gt=0, lt=1)  # share of all rows
    quick: str = ""  # why fewer folds or epochs than a real study; the report says so


class FinalSettings(_Table):
    """`[final]`: which candidate becomes the final model, declared before any result.

    choose  "any" candidate, or a "network" for a study whose subject is the network
    rule    "simplest" within one standard error of the best; or the "best" mean
    """

    table = "final"

    choose: Literal["any", "network"] = "any"
    rule: Literal["simplest", "best"] = "simplest"


def _value(value: Any) -> Any:
    if not is_value(value):
        raise PydanticCustomError(
            "parameter", "expected a finite number, text, true or false, a list or a table of them"
        )
    return value


def _grid_values(values: Any) -> Any:
    with _as_mistake():
        check_values(values)
    return values


def _grid(grid: dict[str, list[Any]]) -> dict[str, list[Any]]:
    with _as_mistake():
        check_size(grid)
    return grid


@contextmanager
def _as_mistake() -> Iterator[None]:
    """Hand what is said of a value to pydantic, which adds where the value stands."""
    try:
        yield
    except NinefoldError as error:
        raise PydanticCustomError("grid", "{said}", {"said": str(error)}) from None


class SectionSettings(_Table):
    """`[sections."5-experiments/2-batch-size"]`: values for that notebook's parameters, and a
    `grid`: name → list of values; the notebook runs once more for each combination of them."""

    table = ""

    parameters: dict[str, Annotated[Any, BeforeValidator(_value)]] = {}
    grid: Annotated[
        dict[str, Annotated[list[Any], BeforeValidator(_grid_values)]], AfterValidator(_grid)
    ] = {}


def _grids(sections: dict[str, SectionSettings]) -> dict[str, SectionSettings]:
    with _as_mistake():
        check_size(*(vars(own)["grid"] for own in sections.values()))
    return sections


class RunSettings(_Table):
    """`[run]`: what a notebook may take before it is stopped. No result depends on it."""

    table = "run"

    cell_timeout: float | None = Field(None, gt=0)  # seconds
    section_timeout: float | None = Field(None, gt=0)  # seconds
    memory: float | None = Field(None, gt=0)  # GiB; unset: 90 % of what there is


class Settings(_Table):
    """The whole file."""

    table = ""

    study: StudySettings
    data: DataSettings
    # made anew: pydantic copies a default, which counts as reading all of it
    harness: HarnessSettings = Field(default_factory=HarnessSettings)
    final: FinalSettings = Field(default_factory=FinalSettings)
    run: RunSettings = Field(default_factory=RunSettings)
    sections: Annotated[dict[str, SectionSettings], AfterValidator(_grids)] = {}


def read_settings(files: Files, name: str) -> Settings:
    """Read and validate the file `name`. Raises NinefoldError naming it, the key and the remedy."""
    try:
        text = files.text(name, SETTINGS)
        if _VERY_DOTTED.search(_STRING.sub('""', text)):  # read in the square of its dots
            raise NinefoldError(f"{name} has a key of very many parts", "expected 'table.key'")
        return Settings.model_validate(tomllib.loads(text))
    except FileNotFoundError:
        raise NinefoldError(f"no such file: {files.root / name}") from None
    except ValidationError as error:
        raise NinefoldError(f"{name}: {_first_mistake(error)}") from None
    except ValueError as error:  # a number of thousands of digits is one, too
        raise NinefoldError(
            f"{name} cannot be read: {error}", "expected TOML", "mend the line it names"
        ) from None
    except RecursionError:
        raise NinefoldError(f"{name} is nested too deeply", "expected lists of values") from None


def _first_mistake(error: ValidationError) -> str:
    mistake = error.errors()[0]
    where = [str(part) for part in mistake["loc"]]
    key = ".".join(part if re.fullmatch(r"[\w-]+", part) else f'"{part}"' for part in where)
    if mistake["type"] == "extra_forbidden":
        return f"unknown key '{key}'; {did_you_mean(where[-1], _known_keys(where[:-1]))}"
    if mistake["type"] == "missing":
        return f"'{key}' is missing; add it"
    found = repr(mistake.get("input"))
    shown = found if len(found) <= _LONGEST else found[:_LONGEST] + "…"
    return f"'{key}' is {shown}; {mistake['msg'][0].lower()}{mistake['msg'][1:]}"


_LONGEST = 80  # characters of a value that an error quotes


def _known_keys(where: list[str]) -> list[str]:
    tables: dict[str, type[_Table]] = {
        "study": StudySettings,
        "data": DataSettings,
        "harness": HarnessSettings,
        "final": FinalSettings,
        "run": RunSettings,
    }
    if not where:
        return list(Settings.model_fields)
    return list(tables.get(where[0], SectionSettings).model_fields)
