"""Calls of functions on Dask workers, which end whatever becomes of worker and scheduler.

Either may also hang: then nothing says so, and Dask itself would wait for ever.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import CancelledError, Future, wait
from functools import partial
from typing import Any
from uuid import uuid4

from distributed import Client, KilledWorker

from ninefold.errors import NinefoldError
from ninefold.running.cluster.workplace import NoWorkplaceError
from ninefold.running.workers.pool import PoolClosedError

_LOOK = 1.0  # seconds between looks at which workers are alive
_ANSWER = 10.0  # seconds to answer what takes no time


class LostError(Exception):
    """The worker is not there any more, hangs, or was started anew."""


class GoneError(Exception):
    """No worker can be called any more; the argument says why.

    No NinefoldError, as it ends the run: that one would end a section.
    """


class Calls:
    """A run's calls of functions on workers, each of them given the run's name first.

    patience  seconds of silence after which a worker, and the scheduler too, counts as lost
    """

    def __init__(self, client: Client, address: str, patience: float):
        self.run = f"ninefold-{uuid4().hex[:12]}"
        self._client, self._address, self._patience = client, address, patience
        self._loop: Any = client.loop
        self._heard: dict[str, float] = {}  # worker → when it last answered
        self._known: set[str] = set()
        self._scheduler_heard = time.monotonic()
        self._scheduler_lost = False
        self.closing = threading.Event()

    def known(self) -> set[str]:
        """Return the addresses of the workers that the scheduler knows, or knew when last heard,
        whether or not they answer."""
        if self._client.status == "running":
            told = self._answers({self._address: self._client.nthreads})
            # Judged here rather than in go_on: silence is none where nobody asks.
            now = time.monotonic()
            if isinstance(workers := told.get(self._address), Mapping):
                self._known, self._scheduler_heard = set(workers), now
            self._scheduler_lost = now - self._scheduler_heard > self._patience
        return self._known

    def lost(self, worker: str) -> bool:
        """Return whether the scheduler has removed a worker, or it has been silent for long."""
        now = time.monotonic()
        silent = now - self._heard.get(worker, now) > self._patience
        return silent or worker not in self.known()

    def go_on(self) -> None:
        """Raise GoneError where the run is closing or the scheduler is gone."""
        if self.closing.is_set():
            raise GoneError("the run is over")
        if self._client.status != "running" or self._scheduler_lost:
            raise GoneError(f"the Dask scheduler at {self._address} does not answer any more")

    def ask(
        self, workers: Iterable[str], function: Callable[..., Any], *arguments: Any
    ) -> dict[str, Any]:
        """Return what a function returns on each worker, without the run's name and beside what
        runs there; or the error it raises there, but for workers that are gone or hang."""
        run = partial(self._client.run, function, *arguments, on_error="return")
        calls = {worker: partial(run, workers=[worker]) for worker in workers}
        answers = self._answers(calls) if self._client.status == "running" else {}
        found = {
            worker: answer if isinstance(answer, Exception) else answer[worker]
            for worker, answer in answers.items()
        }
        found = {worker: own for worker, own in found.items() if not isinstance(own, OSError)}
        self._heard |= dict.fromkeys(found, time.monotonic())
        return found

    def _answers(self, calls: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """Return what those of the client's methods return or raise that do so in time; a lost
        connection is no answer."""
        loop = self._loop.asyncio_loop  # in which they return what can be awaited
        asked = {
            name: asyncio.run_coroutine_threadsafe(_result(call), loop)
            for name, call in calls.items()
        }
        wait(asked.values(), timeout=_ANSWER)
        found: dict[str, Any] = {}
        for name, answer in asked.items():
            answer.cancel()  # does nothing to one that is there
            try:
                found[name] = answer.result()
            except (OSError, CancelledError):
                continue
            except Exception as error:  # what a worker says need not be understood here
                found[name] = error
        return found

    def call(self, worker: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Have a worker call a function, one at a time; return what it returns.

        Raises LostError, GoneError, and NinefoldError for whatever fails there.
        """
        key = f"{self.run}-{function.__name__}-{uuid4().hex}"
        future = self._client.submit(
            *(function, self.run, *arguments), workers=[worker], pure=False, key=key
        )
        # Waited for here rather than by Dask, which would wait for ever for a worker that died.
        answer = asyncio.run_coroutine_threadsafe(_result(lambda: future), self._loop.asyncio_loop)
        try:
            while not wait([answer], timeout=_LOOK).done:
                lost = self.lost(worker)
                self.go_on()
                if lost:
                    raise LostError
            return self._answered(worker, answer)
        finally:
            future.cancel()

    def _answered(self, worker: str, answer: "Future[Any]") -> Any:
        try:
            return answer.result()
        except (NoWorkplaceError, KilledWorker, PoolClosedError, CancelledError):
            self.go_on()
            raise LostError from None
        except NinefoldError:
            raise
        except Exception as error:  # whatever it is, it happened over there
            what = f"{type(error).__name__}: {error}"
            raise NinefoldError(f"the Dask worker {worker} could not go on: {what}") from error


async def _result(call: Callable[[], Any]) -> Any:
    return await call()
