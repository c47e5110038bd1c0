"""What files say: paths in every field that holds one, other types than expected, depth, numbers
without end. Each is a line, reads nothing outside, and writes nothing outside."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from attacks_conduct import attack
from click.testing import CliRunner

from ninefold.cli import main

RECORD = "results/4-baseline/record.json"
NOTEBOOK = "results/4-baseline/notebook.ipynb"
SOURCE = "data/SOURCE.json"
FAILURE = "results/5-experiments/1-late/failure/failure.json"
MANIFEST = "report/manifest.json"
LOOKS = "results/history.jsonl"
SETTINGS = "ninefold.toml"


def change(root: Path, name: str, *place: str | int, to: object) -> None:
    """Put a value at a place in a file of JSON."""
    content = json.loads((root / name).read_text())
    inner = content
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = to
    (root / name).write_text(json.dumps(content))


PATHS = [
    "{up}/secret.txt",
    "{canary}/secret.txt",
    "x/../../../{up}/secret.txt",
    "/dev/zero",
    "/proc/kmsg",
]
PATHS += [
    "..",
    ".",
    "",
    "\0",
    "a\0b",
    "~/.ssh/id_rsa",
    "file://{canary}/secret.txt",
    "{up}",
    "x" * 5000,
]
FIGURE_PATHS = ["figures/{up}/secret.txt", "figures/../../{up}/picture.svg", "figures/.svg"]
FIGURE_PATHS += [
    "figures/x\\..\\y.svg",
    "figures/x.svg/../../../{up}/picture.svg",
    "figures/\n.svg",
]
PLACES = {
    "a light figure": (RECORD, "figures", "scores", "files", "light"),
    "a dark figure": (RECORD, "figures", "scores", "files", "dark"),
    "the section of a record": (RECORD, "section"),
    "the dataset's file": (SOURCE, "file"),
    "the section of a failure": (FAILURE, "section"),
    "a cell's id": (NOTEBOOK, "cells", 1, "id"),
}


def spelled(path: str, canary: Path, folder: Path) -> str:
    return path.replace("{up}", os.path.relpath(canary, folder)).replace("{canary}", str(canary))


FEW = PATHS[:2]


@pytest.mark.parametrize(
    ("place", "path"),
    [
        *(("a light figure", path) for path in PATHS + FIGURE_PATHS),
        *(("the dataset's file", path) for path in PATHS),
        *((place, path) for place in PLACES for path in (*FEW, *FIGURE_PATHS[:2])),
    ],
)
def test_a_path_in_a_field_leads_nowhere(victim, canary, arena, place, path):
    name, *inner = PLACES[place]
    folder = (victim.root / name).parent
    change(victim.root, name, *inner, to=spelled(path, canary, folder))
    attack(arena, victim.root, canary)


@pytest.mark.parametrize("part", ["files", "sections", "settings", "libraries"])
def test_paths_in_the_key_of_a_record_lead_nowhere(victim, canary, arena, part):
    for folder in (victim.root, victim.root / "results"):
        names = [spelled(path, canary, folder) for path in PATHS]
        for several in (names, *([name] for name in names[:4])):
            change(victim.root, RECORD, "key", part, to=dict.fromkeys(several, "0" * 32))
            attack(arena, victim.root, canary)


def test_paths_in_the_manifest_remove_nothing(victim, canary, arena):
    digest = hashlib.sha256((canary / "secret.txt").read_bytes()).hexdigest()
    own = {name: (victim.root / name).read_bytes() for name in (SETTINGS, SOURCE, "README.md")}
    names = {name: hashlib.sha256(content).hexdigest() for name, content in own.items()}
    names |= {f"report/figures/../../{name}": digest for name, digest in names.items()}
    for folder in (victim.root, victim.root / "report/figures"):
        ups = [spelled(path, canary, folder) for path in PATHS]
        names |= dict.fromkeys([*ups, *(f"report/figures/{up}" for up in ups)], digest)
    for several in (names, *({name: digest} for name, digest in names.items())):
        change(victim.root, MANIFEST, "formats", "github", to=several)
        done = arena.run(victim.root, "report", canary=canary)
        assert (done.status, done.opened, done.stderr) == (0, [], "")
    attack(arena, victim.root, canary)
    assert (victim.root / SETTINGS).read_bytes() == own[SETTINGS]
    assert (victim.root / SOURCE).read_bytes() == own[SOURCE]
    assert (victim.root / "README.md").exists()


@pytest.mark.parametrize(
    "path", ["{canary}/secret.txt", "{up}/secret.txt", "/dev/zero", "/proc/kmsg"]
)
def test_a_dataset_outside_is_looked_at_and_not_read(victim, canary, arena, path):
    text = (victim.root / SETTINGS).read_text()
    name = spelled(path, canary, victim.root)
    (victim.root / SETTINGS).write_text(text.replace("data/penguins.csv", name))
    change(victim.root, RECORD, "key", "files", to={name: "0" * 32})
    attack(arena, victim.root, canary)


@pytest.mark.parametrize(
    "name",
    [
        "study.model_dump",
        "study.model_fields",
        "study.__class__",
        "study.copy",
        "run",
        "",
        ".",
        "x.y",
    ],
)
def test_a_setting_that_is_none_is_nothing(victim, canary, arena, name):
    change(victim.root, RECORD, "key", "settings", to={name: '"x"'})
    attack(arena, victim.root, canary)


def test_one_file_under_many_names_is_read_once(victim, canary, arena):
    with (victim.root / "data/large.bin").open("wb") as file:
        file.truncate(2**30)
    names = ["data/" + "./" * dots + "large.bin" for dots in range(200)]
    change(victim.root, RECORD, "key", "files", to=dict.fromkeys(names, "0" * 32))
    arena.run(victim.root, "status", canary=canary)  # in less than `arena.SECONDS`
    attack(arena, victim.root, canary)


def test_code_that_is_too_large_for_code_is_not_read(victim, canary, arena):
    with (victim.root / "large.py").open("wb") as file:
        file.truncate(2**30)
    change(victim.root, RECORD, "key", "files", to={"large.py": "0" * 32})
    attack(arena, victim.root, canary)


def test_prose_of_lines_without_end_is_a_line(victim, canary, arena):
    for name in ("sections/1-problem.md", "README.md"):
        (victim.root / name).write_text("a\n\n" * 100_000)
    change(victim.root, NOTEBOOK, "cells", 0, "source", to="a\n\n" * 1_000_000)
    done = attack(arena, victim.root, canary)
    assert "lines of text; 20,000 at most" in done[2].stdout


@pytest.mark.parametrize("value", ["-" * 20_000 + "1", "a" + ".b" * 20_000, "(" * 5000])
def test_parameters_that_are_nested_without_end_are_a_line(victim, canary, arena, value):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": f"x = {value}"}
    notebook = json.loads((victim.root / "sections/4-baseline.ipynb").read_text())
    notebook["cells"].append({**cell, "outputs": [], "execution_count": None})
    (victim.root / "sections/4-baseline.ipynb").write_text(json.dumps(notebook))
    with (victim.root / SETTINGS).open("a") as file:
        file.write('[sections."4-baseline".parameters]\nx = 1\n')
    done = attack(arena, victim.root, canary)
    assert "the cell tagged 'parameters'" in done[3].stderr


JSON = [RECORD, NOTEBOOK, SOURCE, FAILURE, MANIFEST, LOOKS, "sections/4-baseline.ipynb"]
BROKEN = {
    "lists without end": "[" * 100_000,
    "tables without end": '{"a":' * 100_000,
    "lists that close": "[" * 5000 + "]" * 5000,
    "NaN": '{"a": NaN}',
    "a number": "3",
    "a number of digits without end": "1" * 100_000,
    "an exponent without end": "1e99999",
    "half a character": '{"a": "\\ud800"}',
    "a name twice": '{"section": 1, "section": 2}',
    "nothing": "",
    "null": "null",
    "a conflict of git": "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> other\n",
    "half": '{"record_schema": 1, "sec',
    "a mark of its order": "\ufeff{}",
    "an older version": '{"record_schema": 0, "schema": 0, "nbformat": 3, "cells": []}',
    "a newer version": '{"record_schema": 99, "schema": 99, "nbformat": 5, "cells": []}',
}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *((RECORD, content) for content in BROKEN),
        *((name, content) for name in JSON for content in [*BROKEN][:1] + [*BROKEN][-5:-2]),
    ],
)
def test_json_that_is_broken_is_a_line(victim, canary, arena, name, content):
    (victim.root / name).write_text(BROKEN[content], "utf-8")
    attack(arena, victim.root, canary)


TOML = {
    "lists without end": "a = " + "[" * 5000,
    "lists that close": "a = " + "[" * 900 + "]" * 900,
    "tables without end": "a" + ".a" * 5000 + " = 1",
    "quoted tables without end": "'a'" + ' . "a"' * 5000 + " = 1",
    "a table without end": "[" + "a." * 20_000 + "a]",
    "grids without end": '[study]\ntitle = "x"\npackage = "x"\n[data]\nsource = "x"\ntarget = "y"\n'
    + "".join(f'[sections."4-{n}".grid]\na = {[*range(900)]}\n' for n in range(9)),
    "digits without end": "a = " + "1" * 100_000,
    "an infinite seed": "[study]\nseed = inf",
    "a table that is a text": 'study = "x"',
    "a list for a name": "[study]\ntitle = ['x']",
    "no UTF-8": b"\xff\xfe",
    "NUL": "\0",
    "a million of keys": "".join(f"a{number} = 1\n" for number in range(50_000)),
    "a name without end": f"{'a' * 200_000} = 1",
    "a package that is a path": '[study]\ntitle = "x"\npackage = "../canary"\n',
    "a grid of a million points": '[study]\ntitle = "x"\npackage = "x"\n[data]\nsource = "x"\n'
    f'target = "y"\n[sections."4-baseline".grid]\na = {[*range(1000)]}\nb = {[*range(1000)]}\n',
    "a section that is a path": '[study]\ntitle = "x"\npackage = "x"\n[data]\nsource = "x"\n'
    'target = "y"\n[sections."../../canary".parameters]\na = 1\n',
}


@pytest.mark.parametrize("content", TOML)
def test_settings_that_are_broken_are_a_line(victim, canary, arena, content):
    text = TOML[content]
    (victim.root / SETTINGS).write_bytes(text if isinstance(text, bytes) else text.encode())
    done = attack(arena, victim.root, canary)
    assert done[0].status == 1
    assert SETTINGS in done[0].stderr


def places(value: object, *above: str | int):
    """Yield where each value inside a value is."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for step, item in inner:
        yield (*above, step)
        if isinstance(item, (dict, list)):
            yield from places(item, *above, step)


# In this process, because they are thousands: what no command may do is looked at above.
OTHERS = [None, [], "x", -1, 10**400, {"a": {"b": []}}]


@pytest.mark.slow
@pytest.mark.parametrize("other", OTHERS, ids=lambda other: repr(other)[:20])
@pytest.mark.parametrize("name", [RECORD, NOTEBOOK, FAILURE, SOURCE, MANIFEST])
def test_a_value_of_another_type_at_any_place_is_a_line(victim, name, other, monkeypatch):
    monkeypatch.chdir(victim.root)
    whole = (victim.root / name).read_text()
    for place in list(places(json.loads(whole))):
        change(victim.root, name, *place, to=other)
        for command in (["status", "--json"], ["check"], ["report"]):
            done = CliRunner().invoke(main, command)
            assert done.exit_code in (0, 1), (place, command, done.exception)
            assert done.exception is None or isinstance(done.exception, SystemExit), (place, done)
            assert "Traceback" not in done.output
        (victim.root / name).write_text(whole)
