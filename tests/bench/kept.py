"""What a run with nothing changed costs, by the number of notebooks that are kept."""

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # where tests share what they write

from tiny_project import judged

from ninefold.project import Project
from ninefold.records import Record, write_record
from ninefold.running.plan import make_plan
from ninefold.running.staleness.contents import digest_of
from ninefold.running.staleness.keys import completed
from ninefold.running.staleness.trace import READS
from ninefold.settings import find_setting

SIZES = (10, 100, 1000)
LIMITS = {10: 1.0, 1000: 3.0}  # seconds that `run` is to stay under
Row = dict[str, Any]

_SETTINGS = """\
[study]
title = "Kept"
package = "kept"
[data]
source = "data/rows.csv"
target = "y"
"""
_CELLS = 20  # of each notebook, half of them prose
_FITS = 30  # of each evaluation: ten folds, three times
_EVALUATIONS = 8  # of each record, which makes it a few hundred KiB
_SETTINGS_READ = ("data.target", "data.drop", "harness.folds", "harness.epochs", "study.seed")


def measure(quick: bool = False) -> tuple[list[Row], list[Row]]:
    """Return rows of `ninefold run` and `ninefold status` for each number of notebooks, processes
    included, the best of some rounds; and what is asked of `run`, in seconds.

    quick  too little to mean anything, to see that it runs
    """
    sizes, rounds = ((2, 3), 1) if quick else (SIZES, 3)
    rows = []
    for notebooks in sizes:
        with TemporaryDirectory(prefix="ninefold-kept-") as folder:
            root = Path(folder) / "kept"
            make_project(root, notebooks)
            for command in ("run", "status"):
                seconds = min(_seconds(root, command) for _ in range(rounds))
                label = f"{notebooks}: {command}"
                rows.append({"group": "notebooks kept", "label": label, "seconds": seconds})
    runs = dict(zip(sizes, (row["seconds"] for row in rows[::2]), strict=True))
    return rows, [
        {
            "claim": f"{size} notebooks kept: seconds, under {limit:g}",
            "measured": seconds,
            "met": seconds < limit,
        }
        for size, seconds in runs.items()
        if (limit := LIMITS.get(size))
    ]


def make_project(root: Path, notebooks: int) -> None:
    """Make a project whose notebooks have all run, with records of an ordinary size."""
    for name, text in {
        "ninefold.toml": _SETTINGS,
        "data/rows.csv": "x,y\n" + "".join(f"{row},{row % 2}\n" for row in range(10_000)),
        "kept/__init__.py": "",
        "kept/models.py": "def network(inputs, outputs): ...\n" * 50,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "sections/5-experiments").mkdir(parents=True)
    for number in range(1, notebooks + 1):
        path = root / f"sections/5-experiments/{number}-variant.ipynb"
        path.write_text(json.dumps(_notebook(number)))
    project = Project(root)
    record = Record(section="", evaluations=_evaluations(), run={"seconds": 12.3})
    for step in make_plan(project, everything=True):
        folder = project.results_of(step.section.id)
        folder.mkdir(parents=True)
        (folder / READS).write_text(_trace(project, step.section.id))
        key = completed(project, step, folder)
        own = {"section": step.section.id, "key": key}
        write_record(folder, record.model_copy(update=own))


def _notebook(number: int) -> dict[str, Any]:
    prose = "What this shows, and what would change my mind. " * 10
    cells = []
    for place in range(_CELLS):
        code = {"cell_type": "code", "execution_count": None, "outputs": []}
        text = f"study.evaluate('variant {number}.{place}', network, batch_size={place + 1})"
        kind = code if place % 2 else {"cell_type": "markdown"}
        source = text if place % 2 else prose
        cells.append({"id": f"cell-{place}", "metadata": {}, "source": source, **kind})
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _evaluations() -> dict[str, dict[str, Any]]:
    curves = [{"fold": fit, "loss": [0.5 / (epoch + 1) for epoch in range(100)]}
              for fit in range(_FITS)]  # fmt: skip
    whole = judged(0.5, curves=curves)
    return {f"variant {number}": whole for number in range(_EVALUATIONS)}


def _trace(project: Project, section: str) -> str:
    files = ("data/rows.csv", "kept/__init__.py", "kept/models.py")
    lines: list[dict[str, str]] = [{"watching": section}]
    lines += [{"file": name, "digest": digest_of(project.files, name)} for name in files]
    lines += [
        {"setting": name, "value": find_setting(project.settings, name)} for name in _SETTINGS_READ
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


def _seconds(root: Path, command: str) -> float:
    clock = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "ninefold", command, "--json"],
        cwd=root, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    seconds = time.perf_counter() - clock
    states = {row["state"] for row in json.loads(done.stdout)["sections"]}
    if states - {"kept", "fresh"}:
        raise RuntimeError(f"expected all to be kept, found {states}")
    return seconds
