"""One section's run: its notebook conducted into a folder aside, and what comes of that."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.project import Project, Section
from ninefold.records import Record, read_record, write_record
from ninefold.running.advice import advise
from ninefold.running.failures import FAILURE, Failure
from ninefold.running.notebooks import read_notebook
from ninefold.running.plan import Step
from ninefold.running.results import install, install_failure, stage
from ninefold.running.run_log import RunLog
from ninefold.running.scrubbing import path_cleaner, scrub_file
from ninefold.running.staleness.keys import completed
from ninefold.running.task import Conduct, Limits, Task, Tell


@dataclass(frozen=True)
class Outcome:
    """What became of one section in a run."""

    section: str
    state: Literal["ran", "kept", "failed", "skipped"]
    why: str
    seconds: float = 0.0
    failure: Failure | None = None
    folder: str = ""  # that keeps what a failed one did, from the project's root


@dataclass(frozen=True)
class Execution:
    """How the sections of a run are executed: by whom, from which commit."""

    project: Project
    conduct: Conduct
    commit: dict[str, Any]
    log: RunLog

    def execute(self, step: Step, cores: int, tell: Tell) -> Outcome:
        """Run a step's notebook and put its results in place; after a failure the old ones stay.

        What goes wrong in writing them is a failure too. Safe to call from several threads.
        """
        section, clock = step.section.id, time.perf_counter()
        clean: Callable[[str], str] = str
        staging = None
        try:
            staging = stage(self.project, section)
            clean = path_cleaner(self.project.root, staging, section)
            failure = self._conduct(step, staging, cores, tell, clean)
            if failure is None:
                with self.log.installing(step.section, staging):
                    install(self.project, section, staging)
        except (NinefoldError, OSError) as error:
            failure = _failure_of(section, error)
        seconds = round(time.perf_counter() - clock, 2)
        if failure is None:
            return Outcome(section, "ran", step.reason or "", seconds)
        failure, folder = self._keep(step.section, failure.cleaned(clean), staging)
        return Outcome(section, "failed", step.reason or "", seconds, failure, folder)

    def _conduct(
        self, step: Step, staging: Path, cores: int, tell: Tell, clean: Callable[[str], str]
    ) -> Failure | None:
        """Fill `staging`; return what failed, if anything did."""
        section = step.section.id
        before = read_notebook(self.project.files, step.section.path)
        started, clock = datetime.now(UTC), time.perf_counter()
        task = Task(
            root=self.project.root,
            id=section,
            notebook=step.section.path,
            output=staging,
            values=step.values,
            cores=cores,
            limits=limits_of(self.project),
        )
        conducted = self.conduct(task, tell)
        scrub_file(staging, before, clean)
        if conducted.failure is None:
            seconds = round(time.perf_counter() - clock, 2)
            times = {"started": started.isoformat(timespec="seconds"), "seconds": seconds}
            self._complete(staging, step, {**times, **conducted.under, **self.commit})
        return conducted.failure

    def _complete(self, staging: Path, step: Step, run: dict[str, Any]) -> None:
        """Add to the record what the runner knows; a notebook that wrote none gets an empty one."""
        record = read_record(Files(staging)) or Record(section=step.section.id)
        key = completed(self.project, step, staging)
        run = {**record.run, **run, "log": self.log.head}
        write_record(staging, record.model_copy(update={"key": key, "run": run}))

    def _keep(
        self, section: Section, failure: Failure, staging: Path | None
    ) -> tuple[Failure, str]:
        """Keep what a section did that failed, beside its old results; return in which folder.
        Where that fails too, the failure says so."""
        if staging is None:
            return failure, ""
        try:
            self.log.failed(section, staging)
            install_failure(self.project, section.id, staging, failure)
        except (NinefoldError, OSError) as error:
            return failure.adding(f"what it did could not be kept: {_told(error)}"), ""
        return failure, f"results/{section.id}/{FAILURE}"


def limits_of(project: Project) -> Limits:
    """Return the limits that the project's settings name."""
    run = project.settings.run
    return Limits(run.cell_timeout, run.section_timeout, run.memory)


def _failure_of(section: str, error: NinefoldError | OSError) -> Failure:
    message = _told(error)
    todo = "" if isinstance(error, NinefoldError) and error.todo else advise("OSError", message)
    return Failure(section, "NinefoldError", message, todo=todo)


def _told(error: NinefoldError | OSError) -> str:
    if isinstance(error, NinefoldError):
        return str(error)
    done = "read" if isinstance(error, FileNotFoundError) else "written"
    return f"{error.filename or 'the results'} cannot be {done}: {error.strerror or error}"
