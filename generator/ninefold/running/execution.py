"""One section's run: its notebook in a process of its own, and what comes of that."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.records import Record, read_record, write_record
from ninefold.running.failures import Failure
from ninefold.running.notebooks import read_notebook
from ninefold.running.plan import Step
from ninefold.running.results import NOTEBOOK, install, install_failure, stage, write_notebook
from ninefold.running.scrubbing import path_cleaner, scrub


@dataclass(frozen=True)
class Outcome:
    """What became of one section in a run."""

    section: str
    state: Literal["ran", "kept", "failed", "skipped"]
    why: str
    seconds: float = 0.0
    failure: Failure | None = None


CellStarts = Callable[[int, int], None]  # told the cell's number and how many there are


def execute(
    project: Project, step: Step, provenance: dict[str, Any], cell_starts: CellStarts
) -> Outcome:
    """Run a step's notebook and put its results in place; after a failure the old ones stay.

    Raises NinefoldError or OSError where results cannot be written.
    """
    section = step.section.id
    staging = stage(project, section)
    clean = path_cleaner(project.root, staging, section)
    started, clock = datetime.now(UTC), time.perf_counter()
    try:
        before = read_notebook(step.section.path)
    except NinefoldError as error:
        failure: Failure | None = Failure(section, "NinefoldError", str(error))
    else:
        failure = _run(project, step, staging, cell_starts)
        _scrub(staging / NOTEBOOK, before, clean)
    seconds = round(time.perf_counter() - clock, 2)
    if failure is None:
        run = {"started": started.isoformat(timespec="seconds"), "seconds": seconds, **provenance}
        failure = _complete(staging, section, step, run)
    if failure is None:
        install(project, section, staging)
        return Outcome(section, "ran", step.reason or "", seconds)
    failure = failure.cleaned(clean)
    install_failure(project, section, staging, failure.as_json())
    return Outcome(section, "failed", step.reason or "", seconds, failure)


def _scrub(path: Path, before: dict[str, Any], clean: Callable[[str], str]) -> None:
    """Scrub the executed notebook in place, if there is a whole one."""
    try:
        executed = read_notebook(path)
    except FileNotFoundError:  # its kernel never started
        return
    except NinefoldError:  # its worker died while it wrote
        path.unlink()
        return
    write_notebook(path, scrub(executed, before, clean))


def _complete(staging: Path, section: str, step: Step, run: dict[str, Any]) -> Failure | None:
    """Add to the record what the runner knows; a notebook that wrote none gets an empty one."""
    try:
        record = read_record(staging) or Record(section=section)
    except NinefoldError as error:
        return Failure(section, "NinefoldError", str(error))
    write_record(staging, record.model_copy(update={"key": step.key, "run": run}))
    return None


def _run(project: Project, step: Step, staging: Path, cell_starts: CellStarts) -> Failure | None:
    """Have a worker execute the notebook into `staging`; return what failed, if anything did."""
    section = step.section.id
    log = project.scratch / "logs" / f"{section}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    task = {
        "notebook": str(step.section.path),
        "output": str(staging / NOTEBOOK),
        "parameters": step.values,
    }
    ending: dict[str, Any] = {}
    with _worker(project, section, staging, log) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        with suppress(BrokenPipeError):  # it died at once; what follows says so
            worker.stdin.write(json.dumps(task) + "\n")
            worker.stdin.flush()
        for line in worker.stdout:
            event = json.loads(line)
            if event["event"] == "cell":
                ending["cell"] = event["number"]
                cell_starts(event["number"], event["of"])
            else:
                ending = event
    if ending.get("event") == "done":
        return None
    if ending.get("event") == "failed":
        del ending["event"]
        return Failure(section, **{**ending, "lines": tuple(ending["lines"])})
    return Failure(
        section,
        "WorkerDied",
        f"the process that ran the notebook ended with status {worker.returncode}; "
        f"what it printed is in {log.relative_to(project.root).as_posix()}",
        ending.get("cell"),
    )


@contextmanager
def _worker(
    project: Project, section: str, staging: Path, log: Path
) -> Iterator[subprocess.Popen[str]]:
    """Start a worker; whatever happens inside, it and its kernel are gone at the end."""
    with log.open("w", encoding="utf-8") as errors:
        worker = subprocess.Popen(
            [sys.executable, "-m", "ninefold.running.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=project.root,
            env=environment(project.root, section, staging),
            encoding="utf-8",
            # Ctrl-C in a terminal goes to a whole process group; what it means is ours to say.
            start_new_session=True,
        )
    try:
        yield worker
    finally:
        _end(worker)


def _end(worker: subprocess.Popen[str]) -> None:
    """Close the worker's stdin, at which it ends its kernel and itself, and wait for it."""
    for pipe in (worker.stdin, worker.stdout):
        with suppress(BrokenPipeError):  # it was dead before it had read all
            if pipe:
                pipe.close()
    try:
        worker.wait(timeout=10)
    except subprocess.TimeoutExpired:
        worker.kill()  # its kernel sees that its parent is gone, and ends
        worker.wait()


def environment(root: Path, section: str, staging: Path) -> dict[str, str]:
    """Return the environment of the process that runs a notebook."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    return {
        **quiet,
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONHASHSEED": "0",
        "NINEFOLD_PROJECT": str(root),
        "NINEFOLD_SECTION": section,
        "NINEFOLD_OUTPUT": str(staging),
    }
