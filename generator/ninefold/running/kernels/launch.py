"""What every kernel does first, forked or not: `python -m ninefold.running.kernels.launch`.

It keeps to its share of the cores, has what it reads noted where a run wants that, and then is
an ordinary ipykernel.
"""

import atexit
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


def main() -> None:
    """Be a kernel of a Python that has just started."""
    forget_folder()
    serve(sys.argv[sys.argv.index("-f") + 1])


def forget_folder() -> None:
    """Take from the path the folder that `python -m` puts there; IPython adds it by itself."""
    if sys.path and sys.path[0] == str(Path.cwd()):
        del sys.path[0]


def serve(connection_file: str) -> None:
    """Be the kernel that `connection_file` describes, until it is shut down."""
    keep_to(_share())
    _watch()
    from ipykernel.kernelapp import IPKernelApp

    inherited = list(_stream_handlers())
    app = IPKernelApp.instance()
    parent = os.environ.get("JPY_PARENT_PID", "0")  # ipykernel read it when it was imported
    handle = f"--IPKernelApp.parent_handle={parent}"
    app.initialize(["-f", connection_file, "--HistoryManager.enabled=False", handle])
    for handler in inherited:  # a fork's loggers would write past the notebook
        handler.setStream(sys.stderr)
    _use_backend()
    app.start()
    # ipykernel 7.4 ends the thread that sends outputs while this one still waits for it, for 10 s
    app.control_thread.join(timeout=1)
    _end()


def _end() -> None:
    """End this process without taking its modules apart, which takes longer than most cells."""
    atexit._run_exitfuncs()
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            stream.flush()
    os._exit(0)


def keep_to(cores: int | None) -> None:
    """Keep this process, and what it starts, to so many cores; None: to what a fresh one takes.

    The variables are for what is loaded later. A fork has libraries loaded already, in a server
    that has one thread; those are told.
    """
    if cores:
        os.environ.update(dict.fromkeys(_THREADS, str(cores)))
    if "numpy" in sys.modules:
        from threadpoolctl import ThreadpoolController

        for library in ThreadpoolController().lib_controllers:
            library.set_num_threads(cores or _usual_threads(library.internal_api))


def _share() -> int | None:
    given = os.environ.get("NINEFOLD_CORES", "")
    return int(given) if given.isdigit() and int(given) else None


def _usual_threads(library: str) -> int:
    """Return the threads that a library takes when it is loaded into a fresh process."""
    names = ("OPENBLAS_NUM_THREADS",) if library == "openblas" else ()
    for name in (*names, "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _watch() -> None:
    """Have what the notebook reads noted, where `ninefold run` asks for it."""
    output = os.environ.get("NINEFOLD_OUTPUT")
    if output:
        from ninefold.running.staleness.tracing import watch

        root, section = os.environ["NINEFOLD_PROJECT"], os.environ["NINEFOLD_SECTION"]
        watch(Path(root), Path(output), section)


def _stream_handlers() -> Iterator[logging.StreamHandler]:
    """Yield the handlers of all loggers that write to this process's stderr."""
    loggers = (logging.getLogger(name) for name in logging.Logger.manager.loggerDict)
    for logger in (logging.getLogger(), *loggers):
        for handler in logger.handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
                yield handler


def _use_backend() -> None:
    """Give an inherited matplotlib the backend that ipykernel gives one imported later, which
    looks for IPython's shell as it is imported itself."""
    sys.modules.pop("matplotlib_inline.backend_inline", None)
    if "matplotlib" in sys.modules:
        import matplotlib

        matplotlib.rcParams["backend"] = os.environ["MPLBACKEND"]


if __name__ == "__main__":
    main()
