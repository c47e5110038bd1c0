"""Which jobs a benchmark has, and each one run in a fresh process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from problems import PROBLEMS

FOLDS, REPEATS, ROWS = 10, 3, 500
SERIES = ("folds", "rows", "epochs", "variants")
NAMES = (*PROBLEMS, *SERIES)


@dataclass(frozen=True)
class Job:
    """What one process does.

    timed     folds that `model.fit` is timed on, after the one that warms up
    rows      rows of made data; 0: the problem's own dataset
    variants  step sizes given to ninefold together; 0: the network alone, in no dictionary
    """

    way: str
    problem: str
    folds: int = FOLDS
    repeats: int = REPEATS
    epochs: int = 50
    timed: int = 3
    n_jobs: int = 1
    rows: int = 0
    variants: int = 0

    @property
    def fits(self) -> int:
        return self.folds * self.repeats


@dataclass(frozen=True)
class Entry:
    """A job's place in the tables: `group` is a problem or a series, `label` a way or a size."""

    group: str
    label: str
    job: Job


@dataclass(frozen=True)
class Scale:
    """How much is done. Quick: so little that only the benchmark itself is tested by it."""

    timed: int = 3
    rounds: int = 1
    quick: bool = False

    def job(self, way: str, problem: str, **given: int) -> Job:
        if self.quick:
            small = {"folds": 3, "repeats": 1, "epochs": 2}
            return Job(way, problem, **given | small, timed=1)
        return Job(way, problem, timed=self.timed, **given)


def plan_jobs(scale: Scale, only: Sequence[str] = ()) -> list[Entry]:
    """Return the entries in the order they run; those of a problem, which are compared, one
    right after another, so that a machine that slows down slows all of them."""
    entries = [*_race(scale), *_growth(scale)]
    return [entry for entry in entries if not only or entry.group in only]


def _race(scale: Scale) -> Iterator[Entry]:
    for name, problem in PROBLEMS.items():
        given = {"epochs": problem.epochs, "repeats": problem.repeats}
        yield Entry(name, "model.fit", scale.job("model.fit", name, **given))
        for n_jobs in (1, 2) if problem.estimator else ():
            label = f"scikit-learn, {n_jobs} job{'s' * (n_jobs > 1)}"
            job = scale.job("scikit-learn", name, n_jobs=n_jobs, **given)
            yield Entry(name, label, job)
        yield Entry(name, "ninefold", scale.job("ninefold", name, **given))


def _growth(scale: Scale) -> Iterator[Entry]:
    """The plain network, with one thing growing."""

    def entry(series: str, label: str, **given: int) -> Entry:
        return Entry(series, label, scale.job("ninefold", "plain", **given))

    for repeats, folds in ((1, 10), (3, 10), (10, 10)):
        yield entry("folds", f"{folds} × {repeats}", folds=folds, repeats=repeats)
    for rows in (ROWS, 4 * ROWS, 16 * ROWS):
        yield entry("rows", f"{rows}", rows=rows)
    for epochs in (25, 50, 100, 200):
        yield entry("epochs", f"{epochs}", epochs=epochs)
    for variants in (1, 2, 5, 10):
        yield entry("variants", f"{variants}", variants=variants)


def run_job(job: Job) -> dict[str, Any]:
    """Return what the job's process printed, or {"failed": its last line} where it broke."""
    script = Path(__file__).with_name("contenders.py")
    command = [sys.executable, str(script), json.dumps(asdict(job))]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        return {"failed": lines[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def run_all(entries: Sequence[Entry], rounds: int) -> Iterator[tuple[Entry, dict[str, Any]]]:
    """Run every entry once a round, every other round backwards; yield each outcome as it comes."""
    for number in range(rounds):
        for entry in entries if number % 2 == 0 else reversed(entries):
            yield entry, run_job(entry.job)
