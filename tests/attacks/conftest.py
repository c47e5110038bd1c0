"""A finished study that is attacked, a tree beside it that nothing may touch, and the arena."""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "publishing"))

from attacks_conduct import SECRET, Arena
from small_study import SmallStudy, code, figure_entry, shows, table_entry
from tiny_project import judged

from ninefold.history import START
from ninefold.publishing.render import render, write

LOOK = f'{{"kind": "look", "counted": true, "keys": {{}}, "previous": "{START}", "schema": 1}}\n'


@pytest.fixture(scope="session")
def arena() -> Iterator[Arena]:
    arena = Arena()
    yield arena
    arena.close()


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A tree that is nobody's business: files of each kind that a project could name."""
    folder = tmp_path.resolve() / "canary"
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    for name, text in {
        "secret.txt": SECRET,
        "page.md": f"# {SECRET}\n",
        "readme.md": f"{SECRET}\n<!-- ninefold:begin -->\n<!-- ninefold:end -->\n",
        "notebook.ipynb": json.dumps(notebook),
        "record.json": json.dumps({"record_schema": 1, "section": SECRET}),
        "picture.svg": f"<svg>{SECRET}</svg>",
        "looks.jsonl": LOOK,
        "4-baseline/record.json": json.dumps({"record_schema": 1, "section": SECRET}),
        "deep/inside/more.txt": SECRET,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def victim(tmp_path: Path) -> SmallStudy:
    """A small study with every kind of file, run and rendered."""
    root = tmp_path.resolve() / "a study"
    root.mkdir()
    study = SmallStudy(root)
    study.write("data/penguins.csv", "mass,species\n1,a\n2,b\n")
    digest = hashlib.sha256((root / "data/penguins.csv").read_bytes()).hexdigest()
    study.write("data/SOURCE.json", json.dumps({"file": "penguins.csv", "sha256": digest}))
    study.page("1-problem", "# Problem\n\n{{ baseline.rows }} rows.\n\n> **DRAFT** Why?\n")
    key = {
        "code": "0" * 16, "parameters": {}, "settings": {"study.seed": "1"},
        "files": {"data/penguins.csv": "0" * 32}, "libraries": {"numpy": "2.0"}, "sections": {},
    }  # fmt: skip
    study.ran(
        "4-baseline",
        "# Baseline",
        code("x", shows("4-baseline", "figure", "scores"), shows("4-baseline", "table", "best")),
        code("y", shows("4-baseline", "fact", 0)),
        figures={"scores": figure_entry("scores")},
        tables={"best": table_entry(["linear", 0.9])},
        facts=[{"kind": "fact", "text": "{rows:integer} rows", "values": {"rows": 2}}],
        values={"rows": 2},
        evaluations={"linear": judged()},
        key=key,
        run={"seconds": 1.5, "versions": {"numpy": "2.0"}},
    )
    study.notebook("5-experiments/1-late", "# Late", code("1 / 0"))
    study.failed("5-experiments/1-late", error="ZeroDivisionError", message="division by zero")
    study.write("results/history.jsonl", LOOK)
    study.logged()
    study.write("results/leaderboard.csv", "name,section\n")
    write(study.project, render(study.project))
    return study
