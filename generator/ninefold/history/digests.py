"""The digests by which the log knows again what a run left."""

import hashlib
import json
import re
from contextlib import suppress

from ninefold.bounded import reading
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.places import OutsideError
from ninefold.plain_json import digest
from ninefold.record_entries import EvaluationEntry

# Of results, what an older version logged; now it is all that a run leaves.
LISTED = ("record.json", "predictions.parquet", "holdout-predictions.parquet")

_TEXT = (".json", ".ipynb", ".svg", ".csv", ".md", ".txt", ".html")
_FAILED = "failure"  # what a later run left that failed
# What systems and tools leave.
_OTHERS = re.compile(r"\..*|__pycache__|Thumbs\.db|desktop\.ini")


def digest_of_file(files: Files, name: str) -> str:
    """Return the SHA-256 of a file among the results; of text whatever git makes of its line ends.
    Raises FileNotFoundError and NinefoldError."""
    return files.digest(name, text=name.endswith(_TEXT)).hexdigest()


def digests_of(files: Files, folder: str = ".") -> dict[str, str]:
    """Return what a run left in a folder → its digest: of each file, and of each folder, such as
    "figures/", as a whole. What is no regular file, or cannot be read, is left out.

    Raises NinefoldError for a folder that cannot be read.
    """
    found: dict[str, str] = {}
    within: dict[str, dict[str, str]] = {}
    with reading(folder):
        names = list(files.walk(folder, enters=_is_a_runs))
    for name in names:
        top, slash, rest = name.removeprefix(f"{folder}/").partition("/")
        if top != _FAILED and _is_a_runs(name.rpartition("/")[2]) and not _is_link(files, name):
            with suppress(FileNotFoundError, NinefoldError):
                here = within.setdefault(f"{top}/", {}) if slash else found
                here[rest or top] = digest_of_file(files, name)
    for top, inner in within.items():
        found[top] = hashlib.sha256(json.dumps(inner, sort_keys=True).encode()).hexdigest()
    return found


def digest_of_try(entry: EvaluationEntry) -> str:
    """Return a digest of what was judged and of its scores: what was judged twice to the same
    result, such as a control, was tried once."""
    return digest([entry["variant"], entry["members"], entry["summary"]])


def _is_link(files: Files, name: str) -> bool:
    try:
        return files.place(name).is_symlink()
    except OutsideError:  # a folder on the way is one
        return False


def _is_a_runs(name: str) -> bool:
    return _OTHERS.fullmatch(name) is None
