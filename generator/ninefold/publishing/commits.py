"""What git says of a study: whether the commit that first holds a result holds its forecast, too;
and which lines of a log it holds."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.git import ask_git, is_tracked
from ninefold.plain_json import parse_json
from ninefold.project import Section
from ninefold.records import RECORD_FILE
from ninefold.running.notebooks import joined
from ninefold.running.staleness.forecast_cell import NAMES, stated_forecasts

_MOST_COMMITS = 300  # of a file; with more of them nothing is said
_MOST_BYTES = 1 << 26  # of a notebook's versions together


@dataclass(frozen=True)
class Lateness:
    """That a forecast follows its result: the commits, "" for a forecast that none holds yet."""

    result: str
    forecast: str


def committed_lines(root: Path, name: str) -> set[bytes]:
    """Return the lines, blank ones left out, that any commit up to the last one added to a file;
    none where there is no git, or none that can tell in time."""
    # No program that the repository names may start: to compare versions, git knows several.
    safe = ("--no-ext-diff", "--no-textconv", f"-O{os.devnull}", "--no-color", "--no-renames")
    shown = ("--format=", "--patch", "--unified=0", "--text", *safe)
    said = ask_git(root, "log", *shown, "HEAD", "--", f":(literal){name}") or b""
    added = (line[1:] for line in said.splitlines() if line[:1] == b"+" and line[:3] != b"+++")
    return {line for line in added if line.strip()}


def has_history(root: Path) -> bool:
    """Tell whether git knows the whole history of the project."""
    shallow = ask_git(root, "rev-parse", "--is-shallow-repository")
    return shallow is not None and shallow.strip() == b"false" and is_tracked(root, "sections")


def find_lateness(
    root: Path, section: Section, forecast: dict[str, Any], current: bytes
) -> Lateness | None:
    """Return that a section's forecast was committed after its first result; None where it was not,
    and where that cannot be told.

    current  the notebook as it is now
    """
    results = _commits(root, f"results/{section.id}/{RECORD_FILE}")
    versions = _commits(root, section.file)
    if not results or versions is None:
        return None
    first = _first_with(root, versions, section.file, forecast)
    if first is None:
        return None
    if not first:
        return Lateness(results[0], "") if _holds(current, forecast) else None
    follows = ask_git(root, "merge-base", "--is-ancestor", results[0], first) is not None
    return Lateness(results[0], first) if follows and first != results[0] else None


def _commits(root: Path, name: str) -> list[str] | None:
    """Return the commits that changed a file, the first one first; None for too many."""
    most = f"--max-count={_MOST_COMMITS}"
    said = ask_git(root, "rev-list", most, "--topo-order", "HEAD", "--", f":(literal){name}")
    found = (said or b"").decode("ascii", "replace").split()
    return None if len(found) == _MOST_COMMITS else found[::-1]


def _first_with(root: Path, commits: list[str], name: str, forecast: dict[str, Any]) -> str | None:
    """Return the first commit whose version of a notebook holds a forecast; "" for none, and None
    where they are too large to tell."""
    asked = "".join(f"{commit}:./{name}\n" for commit in commits).encode()
    said = ask_git(root, "cat-file", "--batch-check", given=asked) or b""
    lines = said.decode("utf-8", "replace").splitlines()
    left = _MOST_BYTES
    for commit, line in zip(commits, lines, strict=False):
        blob = re.fullmatch(r"([0-9a-f]{40,64}) blob (\d{1,15})", line)
        if not blob:  # it was deleted there
            continue
        left -= int(blob[2])
        if left < 0:
            return None
        if _holds(ask_git(root, "cat-file", "blob", blob[1]) or b"", forecast):
            return commit
    return ""


def _holds(notebook: bytes, forecast: dict[str, Any]) -> bool:
    """Tell whether a notebook states a forecast."""
    try:
        cells = parse_json(notebook, "a notebook")["cells"]
        code = [joined(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        stated = [each for source in code for each in stated_forecasts(source)]
    except (NinefoldError, LookupError, TypeError, ValueError):
        return False
    return any(all(_same(each.get(n), forecast.get(n)) for n in NAMES) for each in stated)


def _same(stated: Any, recorded: Any) -> bool:
    if isinstance(stated, int | float) and isinstance(recorded, int | float):
        return f"{stated:.6g}" == f"{recorded:.6g}"  # as records round
    return bool(stated == recorded)
