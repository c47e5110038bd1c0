"""What a fork does to be like a process that has just started, and then a kernel."""

import multiprocessing
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ninefold.running.kernels import launch
from ninefold.running.kernels.orphans import adopt_orphans


@dataclass(frozen=True)
class Request:
    """A kernel as its client wants it; `streams` are file descriptors for stdout and stderr."""

    connection_file: str
    cwd: str
    env: dict[str, str]
    streams: tuple[int, ...]

    def close(self) -> None:
        """Close the streams."""
        for stream in self.streams:
            os.close(stream)


def become_kernel(request: Request, server: int, made: dict[str, str]) -> None:
    """Be the kernel that is asked for, until it is shut down or the process `server` is gone.

    `made` are the variables that the imports have set, which a library may look for again.
    """
    os.setsid()
    adopt_orphans()  # which fall to the server when this ends; it ends them
    _take_streams(request)
    os.chdir(request.cwd)
    _take_environment({**made, **request.env, "JPY_PARENT_PID": str(server)})
    _draw_anew()
    _read_matplotlibrc()
    sys.argv = [launch.__file__, "-f", request.connection_file]
    launch.serve(request.connection_file)


def _take_streams(request: Request) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, stream in enumerate((nothing, *request.streams)):
        os.dup2(stream, number)
    os.close(nothing)
    request.close()


def _take_environment(env: dict[str, str]) -> None:
    """Replace the environment, and of the paths that modules come from those that it names."""
    before = _python_path()
    os.environ.clear()
    os.environ.update(env)
    sys.path[:] = [*_python_path(), *(entry for entry in sys.path if entry not in before)]
    sys.path_importer_cache.clear()
    tempfile.tempdir = None  # TMPDIR may be another
    time.tzset()


def _python_path() -> list[str]:
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [str(Path(entry).absolute()) for entry in entries if entry]


def _draw_anew() -> None:
    """Replace what was drawn at random when modules were imported; `random` sees to itself."""
    multiprocessing.current_process().authkey = os.urandom(32)
    if "numpy" in sys.modules:
        import numpy

        numpy.random.seed()


def _read_matplotlibrc() -> None:
    """Read the one in this folder, as matplotlib does when it is imported there."""
    if "matplotlib" in sys.modules and Path("matplotlibrc").exists():
        import matplotlib

        matplotlib.rc_file(matplotlib.matplotlib_fname())
