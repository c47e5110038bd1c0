"""A whole run: each section of a plan as soon as what it reads is done, told to who listens."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ninefold.history import must_grow, prepare
from ninefold.project import Project
from ninefold.running.events import Listener, Notice
from ninefold.running.execution import Outcome
from ninefold.running.kernels.folders import remove_run_folders
from ninefold.running.leaderboard import lists_others, write_leaderboard
from ninefold.running.lock import locked
from ninefold.running.plan import Step, make_plan
from ninefold.running.results import (
    check_folders,
    check_writable,
    clear,
    ranked,
    recover,
    unranked,
)
from ninefold.running.turns import Turns
from ninefold.running.workers.crew import Hire, local_crew


def run(
    project: Project,
    listen: Listener,
    names: Iterable[str] = (),
    *,
    everything: bool = False,
    force: bool = False,
    given: Mapping[str, Any] | None = None,
    before: Callable[[], object] = lambda: None,
    hire: Hire | None = None,
) -> tuple[Outcome, ...]:
    """Execute what is stale of the named sections, of all but section 7, or of `everything` (see
    `make_plan`), telling `listen`, in this thread, what happens; return what became of each
    section, in their order.

    before  is called where anything is to be executed, and may refuse
    hire    who executes it; None: workers on this machine, as many as it has cores

    A failed section stops only those that read it. Raises NinefoldError where the plan cannot be
    made, another run is under way or results cannot be written. After KeyboardInterrupt or any
    other error nothing that this run started is left.
    """
    with locked(project):
        check_folders(project)
        recover(project)
        remove_run_folders(project.root)
        try:
            steps = make_plan(project, names, everything=everything, force=force, given=given)
            outcomes = _take_turns(project, steps, listen, before, hire)
            if unranked(project) or lists_others(project):
                write_leaderboard(project)
                ranked(project)
        finally:
            clear(project)
        return outcomes


def _take_turns(
    project: Project,
    steps: tuple[Step, ...],
    listen: Listener,
    before: Callable[[], object],
    hire: Hire | None,
) -> tuple[Outcome, ...]:
    turns = Turns(project, steps, listen)
    if not any(step.reason for step in steps):
        return turns.keep()
    check_writable(project)
    before()
    if remark := prepare(project.files):
        listen(Notice(remark))
    must_grow(project.files)
    # The crew is dismissed first: then the threads, which wait for it, end.
    with ThreadPoolExecutor(len(steps)) as threads, (hire or local_crew())(project) as crew:
        return turns.take(crew, threads)
