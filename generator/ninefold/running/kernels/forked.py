"""What a fork does to be like a process that has just started, and then a kernel."""

import multiprocessing
import os
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ninefold.running.kernels import launch
from ninefold.running.kernels.orphans import adopt_orphans

# What the server's imports have read already: a kernel that wants another value is no fork of it.
READ_AT_IMPORT = (
    "KERAS_BACKEND",
    "KERAS_HOME",
    "TF_USE_LEGACY_KERAS",
    "TF_ENABLE_ONEDNN_OPTS",
    "MPLCONFIGDIR",
    "MATPLOTLIBRC",
)
# The same of its start, before any cell can set them.
READ_AT_START = ("PYTHONHASHSEED", "PYTHONWARNINGS", "LD_LIBRARY_PATH", "LD_PRELOAD")

# In an unfinished string, as a shell command of a cell may have one, `#` begins a comment.
_STRING = r"""\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
_STRING_OR_COMMENT = re.compile(rf"({_STRING})|#[^\n]*", re.DOTALL)


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


def differing(env: dict[str, str]) -> str | None:
    """Say which variable of `env` this process has imported with another value, if there is one."""
    for name in READ_AT_START + READ_AT_IMPORT:
        here, there = os.environ.get(name), env.get(name)
        if here != there:
            return f"{name} is {_shown(there)}, where the imports were made it is {_shown(here)}"
    return None


def named_of_what_imports_read(codes: Iterable[str]) -> str | None:
    """Return a variable that the imports have read and that cells name, be it in a string, a magic
    or an argument: one may set it for an import of its own, which a fork has made already."""
    told = "\n".join(_STRING_OR_COMMENT.sub(r"\1", code) for code in codes)
    return next((name for name in READ_AT_IMPORT if name in told), None)


def why_cold(name: str) -> str:
    """Say why a kernel is no fork where its notebook names a variable that the imports read."""
    return f"the notebook names {name}, which the imports of a warm one have read"


def _shown(value: str | None) -> str:
    return "not set" if value is None else repr(value)


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
