"""Who executes the notebooks of a run: the workers of a Dask scheduler, far away or embedded."""

import asyncio
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.running.workers import machine
from ninefold.running.workers.crew import Crew, Hire

if TYPE_CHECKING:
    from distributed import Client

LOCAL = "local"
_ANSWER = 10.0  # seconds for a scheduler to answer
# Ctrl-C in a terminal goes to a whole process group; what it means is ours to say.
_DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"


def dask_crew(address: str, jobs: int | None = None) -> Hire:
    """Return how to hire the workers of the Dask scheduler at `address`; "local": of one that
    lives in processes of this machine while the run does.

    jobs  tasks at a time at most; None: as many as there are workers

    Hiring raises NinefoldError where Dask is not installed, nobody answers, no worker is there or
    one has other versions than this machine, and where the project is too large to send. However
    the crew is left, nothing of the run stays on the workers.
    """

    @contextmanager
    def hire(project: Project) -> Iterator[Crew]:
        _need_dask()
        _check_data(project)
        from ninefold.running.cluster.calls import GoneError
        from ninefold.running.cluster.workers import Cluster

        with _hushed(), ExitStack() as stack:
            there = stack.enter_context(_embedded(jobs)) if address == LOCAL else address
            cluster = Cluster(stack.enter_context(_connected(there)), there, project)
            stack.callback(cluster.close)
            cluster.open()

            def slots() -> int:
                size = cluster.size()
                return min(jobs or size, size)

            try:
                # One core each as far as the runner knows: how many it has, a worker knows.
                yield Crew(cluster.conduct, slots, 1, cluster.remarks)
            except GoneError as error:
                raise NinefoldError(
                    str(error),
                    "what was finished is kept, and so are older results",
                    "start it again, then 'ninefold run' continues",
                ) from None

    return hire


def _need_dask() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise NinefoldError(
            "--dask needs Dask, which is not installed here",
            todo="pip install distributed, here and on the machines of the workers",
        ) from None


def _check_data(project: Project) -> None:
    source = project.settings.data.source
    path = Path(os.path.normpath(project.root / source))
    if not source.startswith("builtin:") and not path.is_relative_to(project.root):
        raise NinefoldError(
            f"the dataset {path} lies outside of the project, of which alone other machines know",
            todo="put it into data/, or a link to it, and name that as data.source",
        )


@contextmanager
def _connected(address: str) -> Iterator["Client"]:
    """Yield a client of the scheduler at `address`."""
    from distributed import Client

    expected = "expected the address of a Dask scheduler, such as tcp://host:8786, or 'local'"
    try:
        asyncio.run(_knock(address))
        client = Client(address, timeout=_ANSWER, set_as_default=False)
    except ValueError as error:
        raise NinefoldError(f"'{address}' is no address ({error})", expected) from None
    except OSError as error:  # a TimeoutError is one
        raise NinefoldError(
            f"no Dask scheduler answers at {address} within {_ANSWER:g} seconds",
            expected,
            "start one with 'dask scheduler', which says its address",
        ) from error
    with client:
        yield client


async def _knock(address: str) -> None:
    """Connect to a scheduler and take leave.

    A client that fails to connect is left half made, and when the garbage collector ends it while
    another one starts, both wait for one lock for ever (distributed 2026.8).
    """
    from distributed.comm import connect
    from distributed.security import Security

    async with asyncio.timeout(_ANSWER):  # somebody else may listen there, and say nothing
        proof = Security().get_connection_args("client")
        comm = await connect(address, timeout=_ANSWER, **proof)
        await comm.close()


@contextmanager
def _embedded(jobs: int | None) -> Iterator[str]:
    """Yield the address of a scheduler with workers in processes of this machine, among which its
    cores are divided."""
    from distributed import LocalCluster

    cores = machine.cores()
    workers = jobs or cores
    with LocalCluster(
        n_workers=workers,
        threads_per_worker=max(cores // workers, 1),
        processes=True,
        dashboard_address="127.0.0.1:0",  # it cannot be left out; any free port
        memory_limit=0,  # of a process that only starts others
        silence_logs=logging.CRITICAL,
        preload=[_DEAF],
    ) as cluster:
        yield cluster.scheduler_address


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep Dask's log off the terminal: what people must know, ninefold says."""
    loggers = [
        logging.getLogger(name)
        for name in ("distributed", "distributed.client", "tornado.application", "asyncio")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
