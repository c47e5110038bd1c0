"""Tables as people write them: each is read rightly, or refused in a line that helps.

The tables lie in `tests/data/tables`. What is expected of each stands in `expected.toml`, which
says how it is to be read. `known-wrong.txt` lists those that the program gets wrong, and what it
gives instead. Whoever mends one strikes its line: a table on that list that comes right fails.

Only `take`, `split` and `take_new` know how the program is called.
"""

import json
import math
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from table_files import TABLES, write

from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.scaffold.dataset import open_data
from ninefold.settings import Settings, read_settings
from ninefold.study.dataset import Dataset, make_dataset, make_inputs
from ninefold.study.metrics import deciding_metric
from ninefold.study.reading import read_table
from ninefold.study.split_data import SplitData, load_split

EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((TABLES / "expected.toml").read_text("utf-8"))
KNOWN_WRONG = dict(
    line.split(": ", 1) for line in (TABLES / "known-wrong.txt").read_text("utf-8").splitlines()
)
_GIVEN = "claim file written target drop categorical group time asked read columns seeds new"
_WANTED = (
    "refused or_refused number category any left_out gone values y_values time_values order missing"
    " kept groups problem classes says silent never_part"
)
_NEW = "file written values says silent refused or_refused"
_ROLES = ("number", "category", "any", "left_out", "gone")


@dataclass(frozen=True)
class Taken:
    """What the program makes of a table, and what it says of it, a sentence each."""

    dataset: Dataset
    said: list[str]


def take(root: Path, settings: Settings) -> Taken:
    """What `new` makes of the table of a project that is to be."""
    shipment = open_data(root / settings.data.source)
    dataset = make_dataset(shipment.reading.frame, settings.data, settings.study.problem)
    deciding_metric(dataset.y, dataset.problem)
    inputs = [c for c in dataset.columns if c.role != "target" and c.reason]
    reasons = [f"'{column.name}': {column.reason}" for column in inputs]
    return Taken(dataset, [*shipment.notes, *dataset.notes, *reasons])


def split(root: Path, settings: Settings) -> SplitData:
    """What `run` makes of it."""
    data = load_split(root, settings)
    data.plan(settings.harness)
    return data


def take_new(path: Path, trained: Taken) -> tuple[pd.DataFrame, list[str]]:
    """What `predict` makes of new rows: the inputs of the model, and what it says of them."""
    return make_inputs(read_table(path, least=1).frame, trained.dataset.columns), []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            id=name,
            marks=[pytest.mark.xfail(reason=KNOWN_WRONG[name], strict=True)]
            if name in KNOWN_WRONG
            else [],
        )
        for name in EXPECTED
    ],
)
def test_a_table_is_read_rightly_or_refused_clearly(name, tmp_path):
    wrong = list(find_wrong(name, EXPECTED[name], tmp_path))
    assert not wrong, "\n".join(wrong)


def test_each_file_is_expected_and_each_expectation_is_of_a_file():
    files = {file_of(name, EXPECTED[name]) for name in EXPECTED}
    files |= {new_file(name, table["new"]) for name, table in EXPECTED.items() if "new" in table}
    assert files == {f.name for f in TABLES.iterdir()} - {"expected.toml", "known-wrong.txt"}
    assert set(KNOWN_WRONG) <= set(EXPECTED)


def test_an_expectation_says_nothing_that_nobody_reads():
    for table in EXPECTED.values():
        assert not set(table) - set(f"{_GIVEN} {_WANTED}".split())
        assert not set(table.get("new", {})) - set(_NEW.split())


def find_wrong(name: str, table: dict[str, Any], root: Path) -> Iterator[str]:
    """Yield each way in which the program does not do with a table what is expected."""
    source = write(file_of(name, table), "table", table.get("written", {}), root)
    try:
        settings = settings_of(table, source, root)
        taken = take(root, settings)
    except NinefoldError as error:
        wanted = table.get("refused", table.get("or_refused"))
        if wanted is None or not holds(wanted, shorten(error, root)):
            yield f"refused: {shorten(error, root)}"
        return
    if "refused" in table:
        yield from not_refused(root, settings)
        return
    yield from wrong_columns(table, taken.dataset)
    yield from wrong_rows(table, taken.dataset)
    yield from wrong_words(table, taken.said)
    yield from wrong_splits(table, root, source)
    if "new" in table:
        yield from wrong_new_rows(name, table["new"], root, taken)


def wrong_columns(table: dict[str, Any], dataset: Dataset) -> Iterator[str]:
    columns = {column.name: column for column in dataset.columns}
    for role in ("number", "category"):
        for name in table.get(role, []):
            found = columns.get(name)
            if found is None:
                yield f"no column '{name}', but {', '.join(columns)}"
            elif found.role != role:
                yield f"'{name}' is {found.role}: {found.reason or 'no reason'}"
    for name, reason in table.get("left_out", {}).items():
        if name in columns and columns[name].role != "left out":
            yield f"'{name}' is {columns[name].role}"
        elif name in columns and not holds(reason, columns[name].reason):
            yield f"'{name}' is left out: {columns[name].reason}"
    yield from (f"'{name}' is an input" for name in table.get("gone", []) if name in dataset.X)
    own = {dataset.target, dataset.settings.group, dataset.settings.time, *dataset.settings.drop}
    others = set(columns) - own - {name for role in _ROLES for name in table.get(role, [])}
    yield from (f"there is a column '{name}'" for name in sorted(others))


def wrong_rows(table: dict[str, Any], dataset: Dataset) -> Iterator[str]:
    yield from wrong_values(table.get("values", {}), dataset.X)
    yield from differing("y", table.get("y_values", []), dataset.y)
    missing = {column.name: column.missing for column in dataset.columns}
    for name, cells in table.get("missing", {}).items():
        if missing.get(name, cells) != cells:
            yield f"'{name}' has {missing[name]} missing cells"
    if "time_values" in table:
        yield from differing("time", table["time_values"], [str(t)[:10] for t in dataset.time])
    if "order" in table and list(np.argsort(dataset.time)) != list(
        np.argsort(dataset.frame[table["order"]].astype(str))
    ):
        yield f"the times do not rise as '{table['order']}' does"
    found = {
        "kept": len(dataset),
        "groups": None if dataset.groups is None else len(set(dataset.groups)),
        "problem": dataset.problem,
        "classes": list(dataset.classes),
    }
    for key, value in found.items():
        if table.get(key, value) != value:
            yield f"{key}: {value}"


def wrong_words(table: dict[str, Any], said: list[str]) -> Iterator[str]:
    for words in table.get("says", []):
        if not any(holds(words, line) for line in said):
            yield f"not said: {words}"
    for words in table.get("silent", []):
        yield from (f"said: {line}" for line in said if holds(words, line))


def wrong_splits(table: dict[str, Any], root: Path, source: str) -> Iterator[str]:
    for seed in range(1, table.get("seeds", 1) + 1):
        try:
            data = split(root, settings_of(table, source, root, seed))
        except NinefoldError as error:
            yield f"new takes it, run does not: {shorten(error, root)}"
            return
        for words in wrong_columns(table, data.development):
            yield f"in a run, {words}"
            return
        parts = [set(map(tuple, part.X.to_numpy())) for part in (data.development, data.holdout)]
        if table.get("never_part") and parts[0] & parts[1]:
            yield f"{len(parts[0] & parts[1])} kinds of rows are in both parts"
            return


def wrong_new_rows(name: str, new: dict[str, Any], root: Path, taken: Taken) -> Iterator[str]:
    path = root / write(new_file(name, new), "new", new.get("written", {}), root)
    try:
        inputs, said = take_new(path, taken)
    except NinefoldError as error:
        wanted = new.get("refused", new.get("or_refused"))
        if wanted is None or not holds(wanted, shorten(error, root)):
            yield f"new rows refused: {shorten(error, root)}"
        return
    if "refused" in new:
        yield f"new rows taken: {inputs.head(3).to_dict('list')}"
    yield from wrong_values(new.get("values", {}), inputs)
    yield from wrong_words(new, said)
    if "written" not in new:
        yield from wrong_alone(path, inputs, taken)


def wrong_alone(path: Path, inputs: pd.DataFrame, taken: Taken) -> Iterator[str]:
    """Predictions depend on nothing but the row: each is read alone as it is among the others."""
    head, *lines = path.read_text("utf-8").splitlines(keepends=True)
    for number, line in enumerate(lines):
        path.write_text(head + line, "utf-8")
        try:
            alone, _ = take_new(path, taken)
        except NinefoldError as error:
            yield f"row {number} is refused alone: {shorten(error, path.parent.parent)}"
            return
        for column in inputs:
            yield from differing(f"alone, {column}", [spelt(inputs[column][number])], alone[column])


def not_refused(root: Path, settings: Settings) -> Iterator[str]:
    try:
        split(root, settings)
    except NinefoldError as error:
        yield f"refused by run alone: {shorten(error, root)}"
    else:
        yield "not refused"


def wrong_values(wanted: dict[str, list[Any]], inputs: pd.DataFrame) -> Iterator[str]:
    for name, values in wanted.items():
        if name in inputs:
            yield from differing(name, values, inputs[name])


def differing(name: str, wanted: Sequence[Any], found: Sequence[Any]) -> Iterator[str]:
    begin = [spelt(value) for value in list(found)[: len(wanted)]]
    if len(begin) != len(wanted) or not all(map(alike, begin, wanted)):
        yield f"'{name}' begins {begin}"


def spelt(value: Any) -> Any:
    """Return a value as TOML can have it; "" where it is missing."""
    return "" if pd.isna(value) else getattr(value, "item", lambda: value)()


def alike(found: Any, wanted: Any) -> bool:
    if isinstance(found, str) or isinstance(wanted, str):
        return found == wanted
    return math.isclose(found, wanted, rel_tol=1e-12)


def holds(words: str, line: str) -> bool:
    return all(re.search(part, line, re.IGNORECASE | re.DOTALL) for part in words.split(" & "))


def shorten(error: NinefoldError, root: Path) -> str:
    return str(error).replace(f"{root}/data/", "")


def settings_of(table: dict[str, Any], source: str, root: Path, seed: int = 1) -> Settings:
    """Return the settings that a table is read with, as they are written in a project."""
    keys = [key for key in ("drop", "categorical", "group", "time", "read") if key in table]
    study = {"title": "T", "package": "t", "problem": table.get("asked", "auto"), "seed": seed}
    data = {"source": source, "target": table.get("target", "y")}
    tables = {"study": study, "data": data | {key: table[key] for key in keys}}
    tables |= {"columns": table["columns"]} if "columns" in table else {}
    text = "".join(f"{key} = {toml(value)}\n" for key, value in tables.items())
    (root / "ninefold.toml").write_text(text, "utf-8")
    return read_settings(Files(root), "ninefold.toml")


def toml(value: Any) -> str:
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    pairs = (f"{json.dumps(key)} = {toml(own)}" for key, own in value.items())
    return f"{{ {', '.join(pairs)} }}"


def file_of(name: str, table: dict[str, Any]) -> str:
    return table.get("file", f"{name}.csv")


def new_file(name: str, new: dict[str, Any]) -> str:
    return new.get("file", f"{name}-new.csv")
