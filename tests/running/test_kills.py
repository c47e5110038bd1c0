"""`kill -9` of a run at any moment: results are old or new, and the next run ends as if nothing
had been."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest
from tiny_project import RECORD, make_project, write_notebook

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals"),
]

MOMENTS = 20
READ = """
import time
output = pathlib.Path(os.environ["NINEFOLD_OUTPUT"])
def read(section):
    return json.loads(pathlib.Path("results", section, "record.json").read_text())["values"]["x"]
"""
RUN = """
import sys
from pathlib import Path
from ninefold.project import Project
from ninefold.running.workers.crew import local_crew
from ninefold.running.runner import run
outcomes = run(Project(Path.cwd()), print, hire=local_crew(2, ["ipykernel.kernelapp"]))
sys.exit(any(outcome.state in ("failed", "skipped") for outcome in outcomes))
"""
EXPERIMENTS = ("5-experiments/1-a", "5-experiments/2-b", "5-experiments/3-c")
SECTIONS = ("2-data-summary", "4-baseline", *EXPERIMENTS, "6-improvements/1-d", "7-final-model")


def write_sections(root, turn):
    """Write notebooks whose records and figures all say the turn, and what they have read."""
    own = f"figure = '{turn}'\n(output / 'figure.svg').write_text(figure)"
    for place, name in enumerate(SECTIONS):
        wait = f"time.sleep({0.1 + 0.1 * (place % 4)})"
        reads = {"6": EXPERIMENTS, "7": ("4-baseline", *EXPERIMENTS, "6-improvements/1-d")}
        names = reads.get(name[0], ())
        last = f"record(x={turn} + {place} + sum(map(read, {names})), figure=figure)"
        write_notebook(root, name, RECORD, READ, own, wait, last)


def make_study(folder):
    root = make_project(folder)
    write_sections(root, 100)
    return root


def start(root):
    return subprocess.Popen(
        [sys.executable, "-c", RUN],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def complete(root):
    run = start(root)
    _, stderr = run.communicate(timeout=120)
    assert (run.returncode, stderr) == (0, "")
    return files(root)


def files(root):
    """Return all results: content by path, records without what differs from run to run."""
    found = {}
    for path in (root / "results").rglob("*"):
        if path.is_file():
            text = path.read_text("utf-8")
            if path.name == "record.json":
                content = json.loads(text)
                assert content.pop("run")
                text = json.dumps(content, sort_keys=True)
            found[path.relative_to(root / "results").as_posix()] = text
    return found


def folder(found, section):
    return {path: text for path, text in found.items() if path.startswith(f"{section}/")}


def test_results_are_whole_whenever_the_runner_is_killed_and_the_next_run_completes(tmp_path):
    root = make_study(tmp_path / "study")
    old = complete(root)
    assert len(folder(old, "4-baseline")) == 3  # notebook, record, figure
    undisturbed = make_study(tmp_path / "undisturbed")
    complete(undisturbed)
    write_sections(undisturbed, 200)
    began = time.monotonic()
    new = complete(undisturbed)
    duration = time.monotonic() - began
    assert all(folder(new, name) != folder(old, name) for name in SECTIONS)
    moments, turns = random.Random(4), ((200, old, new), (100, new, old))
    for number in range(MOMENTS):
        turn, before, after = turns[number % 2]
        write_sections(root, turn)
        run = start(root)
        time.sleep(moments.uniform(0.2, duration))
        family = psutil.Process(run.pid).children(recursive=True) if run.poll() is None else []
        run.send_signal(signal.SIGKILL)
        run.communicate()
        assert psutil.wait_procs(family, timeout=20)[1] == []
        check_folders(root, before, after)
        assert complete(root) == after


def check_folders(root, before, after):
    """Each results folder is the old one, the new one, or, where the kill came between the two
    renames, not there yet: the next run's first step puts it back."""
    found = files(root)
    for name in SECTIONS:
        own = folder(found, name)
        if own:
            assert own in (folder(before, name), folder(after, name)), name
        else:
            aside = root / ".ninefold/replaced" / name / "@old"
            assert {path.name for path in aside.iterdir()} == {
                *("figure.svg", "notebook.ipynb", "record.json"),
            }
