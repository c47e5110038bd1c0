"""The process that executes notebooks, one after another (`python -m` this module).

It reads tasks from stdin, a line of JSON each (see `encode`), and writes what happens to stdout, a
line of JSON each: {"event": "cell", "number", "of"}, {"event": "remark", "text"}, and at a task's
end {"event": "ended", "failure", "under"}. When its stdin ends, whoever started it is gone or
wants it gone: it ends its kernel and itself.
"""

import json
import os
import queue
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from ninefold.running.failures import Failure
from ninefold.running.kernels.orphans import adopt_orphans
from ninefold.running.provenance import under
from ninefold.running.task import Conducted, Limits, Task
from ninefold.running.workers.conducting import conduct
from ninefold.running.workers.kernel import Kernel


def main() -> None:
    """Do one task after another until stdin ends."""
    # Only events go where the parent listens; what libraries and the kernel print goes to the log.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    adopt_orphans()  # of a cold kernel, which may end before all that it has started
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    kernel = Kernel()
    threading.Thread(target=_listen, args=(sys.stdin, tasks, kernel), daemon=True).start()
    import papermill  # noqa: F401  # while the parent makes the first task ready

    here = under()
    while True:
        task = decode(tasks.get())
        failure = conduct(
            task,
            kernel,
            tell=lambda number, of: _say(events, "cell", number=number, of=of),
            remark=lambda text: _say(events, "remark", text=text),
        )
        _say(events, "ended", failure=failure and failure.as_json(), under=here)


def encode(task: Task) -> str:
    """Return a task as one line of JSON."""
    return json.dumps(asdict(task), default=str)


def decode(line: str) -> Task:
    """Return the task that `encode` wrote."""
    content = json.loads(line)
    paths = {name: Path(content[name]) for name in ("root", "notebook", "output")}
    return Task(**{**content, **paths, "limits": Limits(**content["limits"])})


def ending(event: dict[str, Any]) -> Conducted:
    """Return how a task ended as the event "ended" tells it."""
    failure = event["failure"]
    if failure:
        failure = Failure(**{**failure, "lines": tuple(failure["lines"])})
    return Conducted(failure, event["under"])


def _listen(stdin: TextIO, tasks: "queue.SimpleQueue[str]", kernel: Kernel) -> None:
    for line in stdin:
        tasks.put(line)
    kernel.end()
    os._exit(0)


def _say(events: TextIO, event: str, **values: Any) -> None:
    events.write(json.dumps({"event": event, **values}) + "\n")


if __name__ == "__main__":
    main()
