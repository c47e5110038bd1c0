"""The workers of a run: long-lived processes, each executing one notebook after another."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ninefold.running.failures import Failure
from ninefold.running.task import Conducted, Task, Tell
from ninefold.running.workers.worker import encode, ending
from ninefold.stopping import end_of

_PATIENCE = 10  # seconds that a worker gets to end by itself


class PoolClosedError(Exception):
    """The pool was closed while a task ran, or before it began."""


class Pool:
    """As many workers as threads call `conduct` at once, started when they are first needed.

    A context: at its end, whatever happened, no worker and no kernel is left. `logs` is the folder
    for what workers print; `environment` is added to theirs. `remarks` fills with what is to be
    said about how tasks are executed.
    """

    def __init__(self, logs: Path, environment: Mapping[str, str] | None = None) -> None:
        self._logs, self._environment = logs, dict(environment or {})
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._all: list[_Worker] = []
        self.remarks: list[str] = []
        self._closed = False
        self._lock = threading.Lock()

    def conduct(self, task: Task, tell: Tell) -> Conducted:
        """Execute the task in a worker that is idle, or in a new one; see `Conduct`.

        A worker that dies is a failure of its task. Raises PoolClosedError where the pool is closed
        meanwhile.
        """
        worker = self._take()
        ended = worker.conduct(task, tell, self.remarks.append)
        if self._closed:
            raise PoolClosedError
        if ended is None:
            return Conducted(worker.autopsy(task.id))
        self._idle.put(worker)
        return ended

    def _take(self) -> "_Worker":
        with suppress(queue.Empty):
            while True:
                worker = self._idle.get_nowait()
                if worker.is_alive:
                    return worker
        with self._lock:  # a worker that starts while the pool closes would be nobody's
            if self._closed:
                raise PoolClosedError
            log = self._logs / f"worker-{len(self._all) + 1}.log"
            worker = _Worker(log, self._environment)
            self._all.append(worker)
            return worker

    def close(self) -> None:
        """End all workers and their kernels; what they are at is lost."""
        with self._lock:
            self._closed = True
        for worker in self._all:
            worker.let_go()
        for worker in self._all:
            worker.end()

    def __enter__(self) -> "Pool":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Worker:
    """One process, of which one thread at a time has the use."""

    def __init__(self, log: Path, environment: Mapping[str, str]) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        self._cell: int | None = None
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ninefold.running.workers.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **environment},
                encoding="utf-8",
                # Ctrl-C in a terminal goes to a whole process group; what it means is ours to say.
                start_new_session=True,
            )

    def conduct(self, task: Task, tell: Tell, remark: Callable[[str], None]) -> Conducted | None:
        """Execute the task; return None where the process died of it."""
        assert self._process.stdin
        assert self._process.stdout
        self._cell = None
        os.truncate(self._log, 0)
        with suppress(OSError, ValueError):  # it died, or was let go; its silence says so
            self._process.stdin.write(encode(task) + "\n")
            self._process.stdin.flush()
        for line in self._process.stdout:
            if not line.endswith("\n"):  # it died of a sudden
                break
            event = json.loads(line)
            if event["event"] == "ended":
                return ending(event)
            if event["event"] == "remark":
                remark(event["text"])
            else:
                self._cell = event["number"]
                tell(event["number"], event["of"])
        return None

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def autopsy(self, section: str) -> Failure:
        """Return what is to be said of a process that died."""
        self.end()
        status = self._process.returncode
        printed = self._log.read_text("utf-8", errors="replace").split("\n")
        last = next((line.strip() for line in reversed(printed) if line.strip()), "")
        message = f"the process that ran the notebook {end_of(status)}"
        message += f"; it last printed: {last}" if last else ""
        todo = "run it again; if it was memory that ran out, with fewer sections at a time (-j 1)"
        return Failure(section, "WorkerDied", message, self._cell, todo=todo)

    def let_go(self) -> None:
        """Close its stdin, at which it ends its kernel and itself."""
        assert self._process.stdin
        with suppress(OSError):
            self._process.stdin.close()

    def end(self) -> None:
        """Wait for its end, and end it where it does not come."""
        self.let_go()
        try:
            self._process.wait(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its kernel sees that its parent is gone, and ends
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()
