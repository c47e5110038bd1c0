"""Calls of functions on Dask workers, which end whatever becomes of worker and scheduler."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future, wait
from typing import Any
from uuid import uuid4

from distributed import Client, KilledWorker

from ninefold.errors import NinefoldError
from ninefold.running.cluster.workplace import NoWorkplaceError
from ninefold.running.workers.pool import PoolClosedError

_LOOK = 1.0  # seconds between looks at which workers are alive


class LostError(Exception):
    """The worker is not there any more, or was started anew."""


class GoneError(Exception):
    """No worker can be called any more; the argument says why.

    No NinefoldError, as it ends the run: that one would end a section.
    """


class Calls:
    """A run's calls of functions on workers, each of them given the run's name first."""

    def __init__(self, client: Client, address: str):
        self.run = f"ninefold-{uuid4().hex[:12]}"
        self._client, self._address = client, address
        self._loop: Any = client.loop
        self.closing = threading.Event()

    def alive(self) -> set[str]:
        """Return the addresses of the scheduler's workers."""
        try:
            return set(self._client.nthreads()) if self._client.status == "running" else set()
        except OSError:
            return set()

    def go_on(self) -> None:
        """Raise GoneError where the run is closing or the scheduler is gone."""
        if self.closing.is_set():
            raise GoneError("the run is over")
        if self._client.status != "running":
            raise GoneError(f"the Dask scheduler at {self._address} does not answer any more")

    def ask(
        self, workers: Iterable[str], function: Callable[..., Any], *arguments: Any
    ) -> dict[str, Any]:
        """Return what a function returns on each worker, without the run's name and beside what
        runs there; or the error it raises there, but for workers that are gone."""
        chosen = sorted(workers)
        if not chosen:
            return {}
        found = self._client.run(function, *arguments, workers=chosen, on_error="return")
        return {worker: value for worker, value in found.items() if not isinstance(value, OSError)}

    def call(self, worker: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Have a worker call a function, one at a time; return what it returns.

        Raises LostError, GoneError, and NinefoldError for whatever fails there.
        """
        key = f"{self.run}-{function.__name__}-{uuid4().hex}"
        future = self._client.submit(
            *(function, self.run, *arguments), workers=[worker], pure=False, key=key
        )
        # Waited for here rather than by Dask, which would wait for ever for a worker that died.
        answer = asyncio.run_coroutine_threadsafe(_result(future), self._loop.asyncio_loop)
        try:
            while not wait([answer], timeout=_LOOK).done:
                self.go_on()
                if worker not in self.alive():
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


async def _result(future: Any) -> Any:
    return await future
