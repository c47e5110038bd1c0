"""A whole run: the steps of a plan, one after another, each told to whoever listens."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ninefold.project import Project
from ninefold.running.execution import Outcome, execute
from ninefold.running.leaderboard import write_leaderboard
from ninefold.running.lock import locked
from ninefold.running.plan import Step, make_plan
from ninefold.running.provenance import provenance
from ninefold.running.results import check_writable, recover


@dataclass(frozen=True)
class CellStarted:
    """A section's code cell `number` of `of` starts; 0 while its kernel does."""

    section: str
    number: int
    of: int


Event = CellStarted | Outcome
Listener = Callable[[Event], None]


def run(
    project: Project,
    listen: Listener,
    names: Iterable[str] = (),
    *,
    force: bool = False,
    given: Mapping[str, Any] | None = None,
    before: Callable[[], object] = lambda: None,
) -> tuple[Outcome, ...]:
    """Execute what is stale of all sections or of the named ones (see `make_plan`), telling
    `listen` of each cell and section; return what became of each section. `before` is called
    where anything is to be executed, and may refuse.

    A failed section stops only those that read it. Raises NinefoldError where the plan cannot be
    made, another run is under way or results cannot be written.
    """
    with locked(project):
        recover(project)
        steps = make_plan(project, names, force=force, given=given)
        known: dict[str, Any] = {}
        if any(step.reason for step in steps):
            check_writable(project)
            before()
            known = provenance(project.root)
        outcomes: dict[str, Outcome] = {}
        for step in steps:
            outcome = _untouched(step, outcomes)
            if outcome is None:
                listen(CellStarted(step.section.id, 0, 0))
                outcome = execute(project, step, known, _cells(step, listen))
            outcomes[step.section.id] = outcome
            listen(outcome)
        if any(outcome.state == "ran" for outcome in outcomes.values()):
            write_leaderboard(project)
        return tuple(outcomes.values())


def _cells(step: Step, listen: Listener) -> Callable[[int, int], None]:
    return lambda number, of: listen(CellStarted(step.section.id, number, of))


def _untouched(step: Step, outcomes: dict[str, Outcome]) -> Outcome | None:
    """Return the outcome of a step that is not to be executed; None for one that is."""
    if step.reason is None:
        return Outcome(step.section.id, "kept", "nothing changed")
    for read in step.reads:
        before = outcomes.get(read)
        if before and before.state in ("failed", "skipped"):
            end = "failed" if before.state == "failed" else "was not run"
            return Outcome(step.section.id, "skipped", f"needs {read}, which {end}")
    return None
