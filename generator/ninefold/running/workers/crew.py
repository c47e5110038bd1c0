"""Who executes the notebooks of a run: here, workers on this machine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from ninefold.project import Project
from ninefold.running.kernels.folders import run_folders
from ninefold.running.kernels.warm import ADDRESS, WarmKernels, warm_kernels
from ninefold.running.task import Conduct
from ninefold.running.workers import machine
from ninefold.running.workers.conducting import shared_environment
from ninefold.running.workers.pool import Pool


@dataclass(frozen=True)
class Crew:
    """As many tasks at once as `slots` returns at that time, which share so many cores.

    `remarks` returns what is to be said about how they are executed, as far as it is known by now.
    """

    conduct: Conduct
    slots: Callable[[], int]
    cores: int
    remarks: Callable[[], tuple[str, ...]] = tuple


# A context: while it lasts there is a crew, and after it nothing that the crew started.
Hire = Callable[[Project], AbstractContextManager[Crew]]


def local_crew(jobs: int | None = None, preloads: Sequence[str] = ()) -> Hire:
    """Return how to hire workers on this machine: `jobs` of them, or as many as it has cores.

    `preloads` are modules that their kernels share, other than the usual ones.
    """

    @contextmanager
    def hire(project: Project) -> Iterator[Crew]:
        cores = machine.cores()
        with ExitStack() as stack:
            folder, others = stack.enter_context(run_folders(project.root))
            temporary = {"TMPDIR": str(others)}
            env = {**shared_environment(), **temporary}
            kernels = stack.enter_context(warm_kernels(env, preloads, folder))
            own = {ADDRESS: kernels.address, **temporary}
            pool = stack.enter_context(Pool(folder / "logs", own))
            slots = jobs or cores
            yield Crew(pool.conduct, lambda: slots, cores, partial(_remarks, kernels, pool))

    return hire


def _remarks(kernels: WarmKernels, pool: Pool) -> tuple[str, ...]:
    cold = (f"kernels start cold: {kernels.why_cold}",) if kernels.why_cold else ()
    return (*cold, *pool.remarks)
