"""JSON as ninefold reads and writes it: finite, of bounded depth, a pleasure in a diff."""

import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from ninefold.bounded import write_whole
from ninefold.errors import NinefoldError

_LARGEST = 2**63
_DIGITS = 6  # significant ones of a float that is written
# What a number must hold to be beyond 64 bits or infinite; few texts hold such.
_MAYBE_HUGE = re.compile(rb"\d{19}|[eE]\+?\d{3}")
_BOM = b"\xef\xbb\xbf"


def parse_json(content: bytes, name: str, todo: str = "") -> Any:
    """Return the value of a JSON text.

    Raises NinefoldError, which calls it `name`, for what is none: NaN, half a character, a number
    beyond 64 bits and 200 levels of nesting are none either.
    """
    try:
        value = from_json(content.removeprefix(_BOM), allow_inf_nan=False)
    except ValueError as error:
        raise NinefoldError(f"{name} is not valid JSON ({error})", todo=todo) from None
    if _MAYBE_HUGE.search(content) and not _fits(value):
        raise NinefoldError(f"{name} holds a number beyond 64 bits", todo=todo)
    return value


def _fits(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_fits, value.values()))
    if isinstance(value, list):
        return all(map(_fits, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or -_LARGEST <= value < _LARGEST


def write_json(path: Path, value: Any) -> None:
    """Write JSON as `pretty` has it, whole or not at all. Raises NinefoldError."""
    write_whole(path, pretty(value))


def pretty(value: Any) -> str:
    """Return JSON as a person reads it and git diffs it: sorted, floats to six significant
    digits, NaN as null, a line for each item, a final newline.

    One line for a list of bare numbers: a fold a line would drown the diff.
    """
    return _pretty(plain(value)) + "\n"


def _pretty(value: Any, margin: str = "\n") -> str:
    inner = margin + " "
    if isinstance(value, dict) and value:
        items = [f"{_scalar(key)}: {_pretty(value[key], inner)}" for key in sorted(value)]
        return "{" + inner + f",{inner}".join(items) + margin + "}"
    if isinstance(value, list) and any(isinstance(item, (str, dict, list)) for item in value):
        return "[" + inner + f",{inner}".join(_pretty(item, inner) for item in value) + margin + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def plain(value: Any) -> Any:
    """Return `value` as JSON types: NumPy scalars and arrays too, floats rounded to six
    significant digits, infinities and NaN as None, half a character as its escape."""
    if isinstance(value, dict):
        return {_text(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # a NumPy array or scalar
        return plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return str(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    return _text(str(value))


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def digest(value: Any) -> str:
    """Return a short digest of a JSON value, the same on every machine."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
