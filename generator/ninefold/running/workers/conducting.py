"""One notebook executed from this process: papermill, the limits, and what failed in which cell."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.running.advice import advise
from ninefold.running.failures import Failure, excerpt, failing_line, readable
from ninefold.running.kernels.imported import why_cold
from ninefold.running.kernels.warm import ADDRESS
from ninefold.running.notebooks import check_language, read_notebook, source, tags
from ninefold.running.results import NOTEBOOK
from ninefold.running.task import Task, Tell
from ninefold.running.workers.kernel import Kernel
from ninefold.running.workers.watch import Watch
from ninefold.stopping import end_of

if TYPE_CHECKING:
    from papermill import PapermillExecutionError


def conduct(
    task: Task, kernel: Kernel, tell: Tell, remark: Callable[[str], None]
) -> Failure | None:
    """Execute the task's notebook into its output, in the next kernel that `kernel` is; return what
    failed, if anything did. What is to be said about how it is executed is told to `remark`.

    Not for two threads of a process at once: papermill changes its working folder.
    """
    try:
        notebook = read_notebook(Files(task.root), task.notebook)
        check_language(notebook)
    except (NinefoldError, OSError) as error:
        return Failure(task.id, type(error).__name__, str(error))
    cells = tuple(source(cell) for cell in notebook["cells"] if _counts(cell))
    why = why_cold(cells)
    if why and os.environ.get(ADDRESS):  # else all kernels start cold, which is said already
        remark(f"the kernel of {task.id} starts cold: {why}")
    return _Execution(task, cells, kernel, tell, cold=bool(why)).run()


class _ExitError(Exception):
    """A cell that ends the notebook; papermill takes that for a good end."""


class _Execution:
    """A notebook under way: which of its cells runs, and the limits it may pass."""

    def __init__(
        self, task: Task, cells: tuple[str, ...], kernel: Kernel, tell: Tell, *, cold: bool
    ) -> None:
        self._task, self._cells, self._tell = task, cells, tell
        self._number, self._source = 0, ""
        self._reply: dict[str, Any] = {}  # of the last cell that failed
        self._stderr = ""  # of the same
        self._kernel, self._cold = kernel, cold
        self._watch = Watch(task.limits, self._kernel)

    def run(self) -> Failure | None:
        try:
            with self._watch:
                self._execute()
        except Exception as error:  # the runner must hear of whatever it is: it crosses a process
            return self._failure_of(error)
        finally:
            self._kernel.end()
        return None

    def _failure_of(self, error: Exception) -> Failure:
        from nbclient.exceptions import DeadKernelError
        from papermill import PapermillExecutionError

        begin = excerpt(self._source, None)
        if passed := self._watch.passed:  # its kernel was ended, which may show in many ways
            return self._failure(passed.error, passed.message, begin, passed.todo)
        if isinstance(error, PapermillExecutionError):
            return self._failure_of_cell(error)
        if isinstance(error, _ExitError):
            rest = ", and what follows did not run" if self._number < len(self._cells) else ""
            return self._failure("SystemExit", f"the notebook exits here{error}{rest}", begin)
        if isinstance(error, DeadKernelError):
            why = f"the kernel {end_of(self._kernel.status or 0)} in this cell"
            return self._failure("DeadKernel", why, begin)
        if not self._task.output.is_dir():
            why = "this cell has removed the folder that $NINEFOLD_OUTPUT names"
            return self._failure("OutputRemoved", why, begin, "remove only what is in it")
        return self._failure(type(error).__name__, str(error), ())

    def _failure_of_cell(self, error: "PapermillExecutionError") -> Failure:
        # papermill looks at what cells show, and some errors are only printed
        told = {**vars(error), **({} if error.traceback else self._reply)}
        lines = excerpt(error.source, failing_line(told["traceback"], error.source))
        return self._failure(told["ename"], readable(told["evalue"], self._stderr), lines)

    def _execute(self) -> None:
        import papermill

        task = self._task
        papermill.execute_notebook(
            _literal(task.notebook),
            _literal(task.output / NOTEBOOK),
            task.values,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            start_timeout=120,
            iopub_timeout=60,
            on_cell_start=self._cell_starts,
            on_cell_executed=self._cell_ends,
            cwd=str(task.root),
            kernel_manager_class=self._kernel.manager(environment(task), cold=self._cold),
        )

    def _cell_starts(self, cell: Any, **_: Any) -> None:
        self._source = cell.source
        self._watch.cell_starts()
        if _counts(cell):
            self._number += 1
            self._tell(self._number, len(self._cells))

    def _cell_ends(self, cell: Any, execute_reply: dict[str, Any], **_: Any) -> None:
        reply = execute_reply["content"]
        if reply.get("ename") == "SystemExit":
            raise _ExitError(f" ({reply.get('evalue') or '0'})")
        if any(each.get("source") == "ask_exit" for each in reply.get("payload", ())):
            raise _ExitError  # by IPython's exit, which knows no status
        if reply["status"] == "error":
            self._reply = reply
            self._stderr = "".join(each.text for each in cell.outputs if _is_stderr(each))

    def _failure(self, error: str, message: str, lines: tuple[str, ...], todo: str = "") -> Failure:
        todo = todo or advise(error, message, self._number, self._cells)
        return Failure(self._task.id, error, message, self._number or None, lines, todo)


def shared_environment() -> dict[str, str]:
    """Return the environment that all kernels have in common."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    return {**quiet, **os.environ, "PYTHONHASHSEED": "0"}


def environment(task: Task) -> dict[str, str]:
    """Return the environment of a task's kernel."""
    path = os.pathsep.join(filter(None, (str(task.root), os.environ.get("PYTHONPATH"))))
    return {
        **shared_environment(),
        "PYTHONPATH": path,
        "NINEFOLD_PROJECT": str(task.root),
        "NINEFOLD_SECTION": task.id,
        "NINEFOLD_OUTPUT": str(task.output),
        "NINEFOLD_CORES": str(task.cores),
    }


def _counts(cell: Any) -> bool:
    """Whether people count this cell: code of theirs, not what papermill puts in."""
    is_code = cell.get("cell_type") == "code" and bool(source(cell).strip())
    return is_code and "injected-parameters" not in tags(cell)


def _is_stderr(output: Any) -> bool:
    return output.get("name") == "stderr"


def _literal(path: Path) -> str:
    """papermill takes braces in a path for parameters."""
    return str(path).replace("{", "{{").replace("}", "}}")
