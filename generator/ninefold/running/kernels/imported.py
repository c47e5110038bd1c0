"""The variables that the imports of a warm kernel have read: who wants others gets a cold one."""

import os
import re
from collections.abc import Iterable

READ_AT_IMPORT = (
    "KERAS_BACKEND",
    "KERAS_HOME",
    "TF_USE_LEGACY_KERAS",
    "TF_ENABLE_ONEDNN_OPTS",
    "MPLCONFIGDIR",
    "MATPLOTLIBRC",
)
# By Python as it starts, before any cell can set them.
READ_AT_START = ("PYTHONHASHSEED", "PYTHONWARNINGS", "LD_LIBRARY_PATH", "LD_PRELOAD")

# In an unfinished string, as a shell command of a cell may have one, `#` begins a comment.
_STRING = r"""\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
_STRING_OR_COMMENT = re.compile(rf"({_STRING})|#[^\n]*", re.DOTALL)


def differing(env: dict[str, str]) -> str | None:
    """Say which variable of `env` this process has imported with another value, if there is one."""
    for name in READ_AT_START + READ_AT_IMPORT:
        here, there = os.environ.get(name), env.get(name)
        if here != there:
            return f"{name} is {_shown(there)}, where the imports were made it is {_shown(here)}"
    return None


def _shown(value: str | None) -> str:
    return "not set" if value is None else repr(value)


def why_cold(codes: Iterable[str]) -> str | None:
    """Say why a kernel is to be no fork: its cells name a variable, be it in a string, a magic or
    an argument, and may set it for an import of their own, which a fork has made already. None: it
    can be one."""
    told = "\n".join(_STRING_OR_COMMENT.sub(r"\1", code) for code in codes)
    named = next((name for name in READ_AT_IMPORT if name in told), None)
    return named and f"the notebook names {named}, which the imports of a warm one have read"
