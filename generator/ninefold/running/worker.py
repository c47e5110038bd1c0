"""The process that executes one notebook: `python -m ninefold.running.worker`.

It reads its task, one line of JSON, from stdin: {"notebook", "output", "parameters"}. It writes
what happens to stdout, a line of JSON each: {"event": "cell", "number", "of"}, and at the end
{"event": "done"} or {"event": "failed", "cell", "error", "message", "lines"}. When its stdin ends
before that, whoever started it is gone or wants it gone: it ends its kernel and itself.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ninefold.running.failures import excerpt, failing_line
from ninefold.running.notebooks import read_notebook, source, tags

Tell = Callable[..., None]


def main() -> None:
    """Do the one task."""
    # Only events go where the parent listens; what libraries and the kernel print goes to the log.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def tell(event: str, **values: Any) -> None:
        events.write(json.dumps({"event": event, **values}) + "\n")

    execute(task["notebook"], task["output"], task["parameters"], tell)


def execute(notebook: str, output: str, parameters: dict[str, Any], tell: Tell) -> None:
    """Execute the notebook at the path `notebook` into the path `output`, telling what happens."""
    import papermill
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from nbclient.exceptions import DeadKernelError

    class ThisPython(AsyncKernelManager):
        """A kernel of this very Python, whatever is installed and whatever the notebook names."""

        @property
        def kernel_spec(self) -> KernelSpec:
            module = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(
                argv=[sys.executable, *module, "--HistoryManager.enabled=False"],
                display_name="Python 3",
                language="python",
            )

    of = sum(map(_counts, read_notebook(Path(notebook))["cells"]))
    current: dict[str, Any] = {"number": 0, "source": ""}

    def cell_starts(cell: Any, **_: Any) -> None:
        current["source"] = cell.source
        if _counts(cell):
            current["number"] += 1
            tell("cell", number=current["number"], of=of)

    try:
        papermill.execute_notebook(
            _literal(notebook),
            _literal(output),
            parameters,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            start_timeout=120,
            kernel_manager_class=ThisPython,
            iopub_timeout=60,
            on_cell_start=cell_starts,
        )
    except papermill.PapermillExecutionError as error:
        lines = excerpt(error.source, failing_line(error.traceback))
        _fail(tell, current, error.ename, error.evalue, lines)
    except DeadKernelError:
        why = "the kernel died in this cell; memory that ran out is the usual cause"
        _fail(tell, current, "DeadKernel", why, excerpt(current["source"], None))
    except Exception as error:  # whatever it is, the parent must hear of it: it crosses a process
        _fail(tell, current, type(error).__name__, str(error), ())
    else:
        tell("done")


def _fail(tell: Tell, current: dict, error: str, message: str, lines: tuple[str, ...]) -> None:
    tell("failed", cell=current["number"] or None, error=error, message=message, lines=lines)


def _counts(cell: Any) -> bool:
    """Whether people count this cell: code of theirs, not what papermill puts in."""
    is_code = cell.get("cell_type") == "code" and bool(source(cell).strip())
    return is_code and "injected-parameters" not in tags(cell)


def _literal(path: str) -> str:
    """papermill takes braces in a path for parameters."""
    return path.replace("{", "{{").replace("}", "}}")


def _end_with_parent() -> None:
    import psutil

    while os.read(0, 1024):
        pass
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    os._exit(1)


if __name__ == "__main__":
    main()
