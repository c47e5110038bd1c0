"""A finished study that is attacked, a tree beside it that nothing may touch, and the arena."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "publishing"))

from small_study import SmallStudy, code, figure_entry, shows, table_entry
from tiny_project import judged

from ninefold.publishing.render import render, write

SECRET = "the-secret-of-the-canary-7f3a"
LOOK = '{"counted": true, "keys": {}}\n'


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    status: int
    stdout: str
    stderr: str
    opened: list[str]
    peak: int

    @property
    def said(self) -> str:
        return self.stdout + self.stderr


class Arena:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("arena.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, cwd: Path, *argv: str, canary: Path, **env: str) -> Done:
        request = {"cwd": str(cwd), "argv": argv, "canary": str(canary), "env": env}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Done(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


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


def fingerprint(folder: Path) -> str:
    """Return a digest of a tree: names, kinds, sizes, times of change, contents."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        found.update(f"{path.relative_to(folder)} {state.st_mode} {state.st_mtime_ns}\n".encode())
        found.update(path.read_bytes() if path.is_file() else b"")
    return found.hexdigest()


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
    study.write("results/holdout.jsonl", LOOK)
    study.write("results/leaderboard.csv", "name,section\n")
    write(study.project, render(study.project))
    return study
