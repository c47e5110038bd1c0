"""The sections of a run taking turns: threads execute them, the main one decides and tells."""

import queue
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.running import schedule
from ninefold.running.events import CellStarted, Listener, Notice, Planned
from ninefold.running.execution import Execution, Outcome
from ninefold.running.parameters import own_values
from ninefold.running.plan import Step
from ninefold.running.provenance import commit
from ninefold.running.run_log import RunLog
from ninefold.running.staleness.keys import Keys
from ninefold.running.workers.crew import Crew

_LOOK = 1.0  # seconds between looks at how many slots there are


class Turns:
    """A plan's steps, each of them waiting, running or with its outcome."""

    def __init__(self, project: Project, steps: Sequence[Step], listen: Listener) -> None:
        self._project, self._listen = project, listen
        self._steps = {step.section.id: step for step in steps}
        self._reads = {name: step.reads for name, step in self._steps.items()}
        self._states: dict[str, schedule.State] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._due: dict[str, Step] = {}  # those whose turn it is, while there is no slot for them
        self._shares: dict[str, int] = {}  # those that run → their cores
        self._happened: queue.SimpleQueue[CellStarted | Outcome | BaseException]
        self._happened = queue.SimpleQueue()
        self._said: set[str] = set()

    def keep(self) -> tuple[Outcome, ...]:
        """Settle a plan of which nothing is due; return the outcomes in the order of the steps."""
        self._settle()
        return self._all()

    def take(self, crew: Crew, threads: ThreadPoolExecutor) -> tuple[Outcome, ...]:
        """Give each its turn; return the outcomes in the order of the steps.

        Raises whatever a thread raised.
        """
        due = (name for name, step in self._steps.items() if step.reason)
        self._listen(Planned({name: last_seconds(self._project, name) for name in due}))
        found = commit(self._project)
        execution = Execution(self._project, crew.conduct, found, RunLog(self._project))
        while len(self._outcomes) < len(self._steps):
            self._settle()
            self._start(crew, execution, threads)
            self._remark(crew)
            if self._shares:
                self._await()
        self._remark(crew)
        return self._all()

    def _all(self) -> tuple[Outcome, ...]:
        return tuple(self._outcomes[name] for name in self._steps)

    def _settle(self) -> None:
        """Find whose turn it is, until that changes nothing more for others."""
        settled = True
        while settled:
            settled = False
            for name, read in schedule.stopped(self._reads, self._states).items():
                end = "failed" if self._states[read] == "failed" else "was not run"
                self._end(Outcome(name, "skipped", f"needs {read}, which {end}"))
                settled = True
            for name in schedule.ready(self._reads, self._states):
                if name not in self._due:
                    step = self._judged(self._steps[name])
                    if step.reason:
                        self._due[name] = step
                    else:
                        self._end(Outcome(name, "kept", "nothing changed"))
                        settled = True

    def _judged(self, step: Step) -> Step:
        """Return the step with the reason it has now: what it reads may have come out otherwise,
        or just as before."""
        if step.reason == "forced" or not any(self._states.get(r) == "ran" for r in step.reads):
            return step
        given = {name: other.values for name, other in self._steps.items()}
        keys = Keys(self._project, {**own_values(self._project), **given})
        return replace(step, reason=keys.stale(step.section))

    def _start(self, crew: Crew, execution: Execution, threads: ThreadPoolExecutor) -> None:
        for name, step in list(self._due.items()):
            shares = self._shares.values()
            cores = schedule.share(crew.cores, crew.slots(), shares, len(self._due))
            if not cores:
                return
            del self._due[name]
            self._states[name] = "running"
            self._shares[name] = cores
            self._listen(CellStarted(name, 0, 0))
            threads.submit(self._execute, execution, step, cores)

    def _execute(self, execution: Execution, step: Step, cores: int) -> None:
        """Execute a step, in a thread of its own."""
        name = step.section.id

        def tell(number: int, of: int) -> None:
            self._happened.put(CellStarted(name, number, of))

        try:
            self._happened.put(execution.execute(step, cores, tell))
        except BaseException as error:  # it is the main thread's
            self._happened.put(error)

    def _await(self) -> None:
        """Wait for the next thing to happen, and tell it; not for long, as crews may grow."""
        try:
            happened = self._happened.get(timeout=_LOOK)
        except queue.Empty:
            return
        if isinstance(happened, BaseException):
            raise happened
        if isinstance(happened, Outcome):
            del self._shares[happened.section]
            self._end(happened)
        else:
            self._listen(happened)

    def _end(self, outcome: Outcome) -> None:
        self._states[outcome.section] = outcome.state
        self._outcomes[outcome.section] = outcome
        self._listen(outcome)

    def _remark(self, crew: Crew) -> None:
        for remark in crew.remarks():
            if remark not in self._said:
                self._said.add(remark)
                self._listen(Notice(remark))


def last_seconds(project: Project, section: str) -> float | None:
    """Return how long a section's last good run took, where its record says so."""
    try:
        parts = project.record_parts(section, "run")
    except NinefoldError:
        return None
    return parts["run"].get("seconds") if parts else None
