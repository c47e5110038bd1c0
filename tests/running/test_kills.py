"""`kill -9` of a run, or of one of its kernels, at any moment: results are old or new, and the next
run ends as if nothing had been."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from tiny_project import RECORD, make_project, write_notebook

from ninefold.history import read_history
from ninefold.project import Project
from ninefold.publishing.context import read_records
from ninefold.publishing.integrity import find_doubts

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals"),
]

PARTS = 4  # of ten kills each
OF_RUNNERS, OF_KERNELS = 7, 3  # of each part
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
crew = local_crew(2, ["ipykernel.kernelapp"])
outcomes = run(Project(Path.cwd()), print, everything=True, hire=crew)
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
    temporary = root.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", RUN],
        cwd=root,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def complete(root):
    run = start(root)
    _, stderr = run.communicate(timeout=120)
    assert (run.returncode, stderr) == (0, "")
    assert left(root) == set()
    return files(root)


def left(root):
    """Return what runs have left beside results: in the scratch folder, among temporary files."""
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()
    found = {path.name for path in Path("/tmp").glob(f"ninefold-{digest[:10]}-*")}
    found |= {path.name for path in (root.parent / "temporary").iterdir()}
    return found | {path.name for path in (root / ".ninefold").iterdir()} - {"lock", "unranked"}


def files(root):
    """Return all sections' results: content by path, records without what differs from run to
    run."""
    found = {}
    for path in (root / "results").rglob("*"):
        if path.is_file() and path.name != "history.jsonl":
            text = path.read_text("utf-8")
            if path.name == "record.json":
                content = json.loads(text)
                assert content.pop("run")
                text = json.dumps(content, sort_keys=True)
            found[path.relative_to(root / "results").as_posix()] = text
    return found


def folder(found, section):
    return {path: text for path, text in found.items() if path.startswith(f"{section}/")}


@pytest.mark.parametrize("part", range(PARTS))
def test_results_are_whole_whenever_it_is_killed_and_the_next_run_completes(part, tmp_path):
    root = make_study(tmp_path / "study")
    old = complete(root)
    assert len(folder(old, "4-baseline")) == 3  # notebook, record, figure
    write_sections(root, 200)
    began = time.monotonic()
    new = complete(root)
    duration = time.monotonic() - began
    assert all(folder(new, name) != folder(old, name) for name in SECTIONS)
    moments, turns = random.Random(part), ((100, new, old), (200, old, new))
    kinds = [kill_a_kernel] * OF_KERNELS + [kill_the_runner] * OF_RUNNERS
    moments.shuffle(kinds)
    killed = 0
    for number, kill in enumerate(kinds):
        turn, before, after = turns[number // 2 % 2]
        write_sections(root, turn)
        run = start(root)
        time.sleep(moments.uniform(0.2, duration))
        killed += kill(run, moments)
        check_folders(root, before, after)
        if number % 2:  # a run killed in the wake of a killed one is followed by one that ends
            assert complete(root) == after
            assert doubts(root) == []
    assert killed >= 2  # others had ended before


def doubts(root):
    project = Project(root)
    return find_doubts(project, read_records(project), read_history(project.files))


def kill_the_runner(run, moments):
    family = psutil.Process(run.pid).children(recursive=True) if run.poll() is None else []
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert psutil.wait_procs(family, timeout=20)[1] == []
    return bool(family)


def kill_a_kernel(run, moments):
    """Kill a process that the server of kernels has forked; its section fails, the run goes on."""
    with suppress(psutil.NoSuchProcess):
        below = psutil.Process(run.pid).children(recursive=True)
        servers = [p for p in below if "ninefold.running.kernels.server" in p.cmdline()]
        kernels = [child for server in servers[:1] for child in server.children()]
        if kernels:
            moments.choice(kernels).kill()
            run.communicate(timeout=120)
            return True
    run.communicate(timeout=120)
    return False


def check_folders(root, before, after):
    """Each results folder is the old one, the new one, or, where the kill came between the two
    renames, not there yet: the next run's first step puts it back."""
    found = files(root)
    for name in SECTIONS:
        own = folder(found, name)
        own = {path: text for path, text in own.items() if "/failure/" not in path}
        if own:
            assert own in (folder(before, name), folder(after, name)), name
        else:
            aside = root / ".ninefold/replaced" / name / "@old"
            assert {path.name for path in aside.iterdir()} == {
                *("figure.svg", "notebook.ipynb", "record.json"),
            }
