"""A study's settings: `ninefold.toml`, validated, each mistake said with its nearest remedy.

The schema (version 1) is this module: a table of the file is a model, a key of it a field.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ninefold.errors import NinefoldError
from ninefold.suggestions import did_you_mean

Problem = Literal["auto", "regression", "binary", "multiclass"]
Text = Annotated[str, StringConstraints(strip_whitespace=True)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StudySettings(_Table):
    """`[study]`: what the study is called, whose it is, and what it asks."""

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

    folds: int | None = Field(None, ge=2)
    repeats: int | None = Field(None, ge=1)
    epochs: int = Field(100, ge=1)
    batch_size: int = Field(32, ge=1)
    validation: float = Field(0.2, ge=0, lt=1)  # share of each training fold
    holdout: float = Field(0.2, gt=0, lt=1)  # share of all rows
    quick: str = ""  # why fewer folds or epochs than a real study; the report says so


class SectionSettings(_Table):
    """`[sections."5-experiments/2-batch-size"]`: values for that notebook's parameters."""

    parameters: dict[str, bool | int | float | str | list] = {}


class Settings(_Table):
    """The whole file."""

    study: StudySettings
    data: DataSettings
    harness: HarnessSettings = HarnessSettings()
    sections: dict[str, SectionSettings] = {}


def read_settings(path: Path) -> Settings:
    """Read and validate `path`. Raises NinefoldError naming the file, the key and the remedy."""
    try:
        return Settings.model_validate(tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise NinefoldError(f"no such file: {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NinefoldError(
            f"{path.name} cannot be read: {error}", "expected TOML", "mend the line it names"
        ) from None
    except ValidationError as error:
        raise NinefoldError(f"{path.name}: {_first_mistake(error)}") from None


def _first_mistake(error: ValidationError) -> str:
    mistake = error.errors()[0]
    where = [str(part) for part in mistake["loc"]]
    key = ".".join(where)
    if mistake["type"] == "extra_forbidden":
        return f"unknown key '{key}'; {did_you_mean(where[-1], _known_keys(where[:-1]))}"
    if mistake["type"] == "missing":
        return f"'{key}' is missing; add it"
    return f"'{key}' is {mistake.get('input')!r}; {mistake['msg'].lower()}"


def _known_keys(where: list[str]) -> list[str]:
    tables: dict[str, type[_Table]] = {
        "study": StudySettings,
        "data": DataSettings,
        "harness": HarnessSettings,
    }
    if not where:
        return list(Settings.model_fields)
    return list(tables.get(where[0], SectionSettings).model_fields)
