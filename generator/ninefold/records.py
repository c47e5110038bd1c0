"""What a run leaves behind: one `record.json` for each section, readable, diffable, atomic.

Schema version 1. The kernel writes what the notebook found (`evaluations`, `values`, `facts`,
`tables`, `figures`, `forecast`); the runner adds what it knows of the run (`key`, `run`).
"""

import hashlib
import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ninefold.errors import NinefoldError

SCHEMA = 1
RECORD_FILE = "record.json"


class Record(BaseModel):
    """What one run of one section found.

    evaluations  name → an evaluation as `Evaluation.to_record()` writes it
    values       what expressions can quote: name → number, text, or a nested mapping of them
    facts        computed one-line statements in order:
                 {"kind": "fact" | "note", "text": "{rows:integer} rows", "values": {"rows": 344}}
    tables       name → {"caption", "columns": [{"name", "label", "format"}], "rows": [[…]]}
    figures      name → {"drawing", "caption", "alt", "data": {…}, "files": {"light", "dark"}}
    forecast     {"stated": "before" | "after" | "never", "winner", "difference", "confidence"}
                 of a grid's point, only kept: its section's own run is where it is judged
    fits         how many models were trained
    key          the runner's: part of the cache key → digest or version (see running/staleness)
    run          the runner's: started, seconds, versions, machine, commit
    """

    model_config = ConfigDict(extra="forbid")

    record_schema: int = SCHEMA
    section: str
    evaluations: dict[str, dict[str, Any]] = {}
    values: dict[str, Any] = {}
    facts: list[dict[str, Any]] = []
    tables: dict[str, dict[str, Any]] = {}
    figures: dict[str, dict[str, Any]] = {}
    forecast: dict[str, Any] | None = None
    fits: int = 0
    key: dict[str, Any] = {}
    run: dict[str, Any] = {}


def read_record(folder: Path) -> Record | None:
    """Return the record in a section's results folder, or None where it has none.

    Raises NinefoldError where it is broken or of another version.
    """
    path = folder / RECORD_FILE
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise NinefoldError(f"{path} is not valid JSON ({error})", todo=_AGAIN) from None
    found = content.get("record_schema") if isinstance(content, dict) else None
    if found != SCHEMA:
        raise NinefoldError(
            f"{path} has the record version {found}", f"this ninefold reads {SCHEMA}", _AGAIN
        )
    try:
        return Record.model_validate(content)
    except ValidationError as error:
        mistake = error.errors()[0]
        where = ".".join(map(str, mistake["loc"]))
        raise NinefoldError(f"{path}: '{where}': {mistake['msg']}", todo=_AGAIN) from None


def read_parts(folder: Path, *names: str) -> dict[str, Any] | None:
    """Return those parts of the record in a section's results folder, or None where it has none.

    Of a record as `write_json` leaves it nothing else is taken in, which for a thousand records is
    what makes it quick. Raises NinefoldError as `read_record` does.
    """
    try:
        content = (folder / RECORD_FILE).read_bytes()
    except FileNotFoundError:
        return None
    parts = {name: _part(content, name) for name in ("record_schema", *names)}
    if None not in parts.values() and parts["record_schema"] == SCHEMA:
        return parts
    record = read_record(folder)
    return None if record is None else {name: getattr(record, name) for name in names}


def _part(content: bytes, name: str) -> Any:
    """Return one part of a record, found by how `write_json` indents; None where that fails."""
    start = content.find(f'\n "{name}": '.encode())
    end = content.find(b'\n "', start + 1)
    if start < 0 or not content.endswith(b"\n}\n"):
        return None
    value = content[start + len(name) + 5 : end if end > 0 else -3]
    try:
        return json.loads(value.rstrip(b","))
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None


_AGAIN = "run the section again with 'ninefold run --force'"


def write_record(folder: Path, record: Record) -> None:
    """Write a section's record, whole or not at all."""
    write_json(folder / RECORD_FILE, record.model_dump())


def write_json(path: Path, value: Any) -> None:
    """Write JSON as a person reads it and git diffs it: sorted, floats to six significant
    digits, NaN as null, a final newline; whole or not at all."""
    write_text(path, _pretty(plain(value)) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all: under a temporary name first, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    except OSError as error:
        raise NinefoldError(f"{path} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise NinefoldError(f"{path} cannot be written: {error.strerror}") from None


def digest(value: Any) -> str:
    """Return a short digest of a JSON value, the same on every machine."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def plain(value: Any) -> Any:
    """Return `value` as JSON types: NumPy scalars and arrays too, floats rounded to six
    significant digits, infinities and NaN as None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # a NumPy array or scalar
        return plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def _pretty(value: Any, margin: str = "\n") -> str:
    """Return JSON with a line for each item, but one line for a list of bare numbers: a fold a
    line would drown the diff."""
    inner = margin + " "
    if isinstance(value, dict) and value:
        items = [f"{_scalar(key)}: {_pretty(value[key], inner)}" for key in sorted(value)]
        return "{" + inner + f",{inner}".join(items) + margin + "}"
    if isinstance(value, list) and any(isinstance(item, (str, dict, list)) for item in value):
        return "[" + inner + f",{inner}".join(_pretty(item, inner) for item in value) + margin + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
