"""The executed notebook as it is committed: no trace of this machine, nothing that is only noise.

Removed: paths of this machine, times, addresses in memory, the intermediate states of progress
bars, TensorFlow's start-up lines. What the person wrote stays as it is.
"""

import re
import site
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.running.notebooks import read_notebook, tags
from ninefold.running.results import NOTEBOOK, write_notebook

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# absl's log lines (severity and date, time, process, file:line) before it is initialised.
_STARTUP = re.compile(
    r"^(WARNING: All log messages before absl|[IWE]\d{4} [\d:.]+\s+\d+ \S+\.(cc|h):\d+\]).*\n?",
    re.MULTILINE,
)
_PICTURES = ("image/png", "image/jpeg", "application/pdf")  # base64, which may spell a path
_ERROR_MARK = "papermill-error-cell-tag"


def scrub_file(output: Path, section: dict[str, Any], clean: Callable[[str], str]) -> None:
    """Scrub the executed notebook in a run's output, if there is one; remove it where it is not
    whole."""
    files = Files(output)
    if not files.exists(NOTEBOOK):  # its kernel never started
        return
    try:
        executed = read_notebook(files, NOTEBOOK)
    except NinefoldError:  # its worker died while it wrote
        files.remove(NOTEBOOK)
        return
    write_notebook(output / NOTEBOOK, scrub(executed, section, clean))


def scrub(
    executed: dict[str, Any], section: dict[str, Any], clean: Callable[[str], str]
) -> dict[str, Any]:
    """Return the executed notebook's JSON without what belongs to this run and machine only.

    `section` is the notebook as it was before, `clean` takes this machine's paths out of a text
    (see `path_cleaner`).
    """
    ids = {cell.get("id") for cell in section["cells"]}
    cells = [cell for cell in executed["cells"] if _ERROR_MARK not in tags(cell)]
    parameters = executed.get("metadata", {}).get("papermill", {}).get("parameters")
    return {
        "cells": [_cell(cell, number, ids, clean) for number, cell in enumerate(cells, 1)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            **({"papermill": {"parameters": _value(parameters, clean)}} if parameters else {}),
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(
    cell: dict[str, Any], number: int, ids: set, clean: Callable[[str], str]
) -> dict[str, Any]:
    noise = ("papermill", "execution")
    metadata = {
        name: value
        for name, value in cell.get("metadata", {}).items()
        if name not in noise and not (name == "tags" and not value)
    }
    # papermill makes up an id for the cell it adds, as nbformat does for cells of older notebooks.
    name = cell["id"] if cell.get("id") in ids else f"at-{number}"
    kept = {**cell, "metadata": metadata, "id": name}
    if cell.get("cell_type") == "code":
        outputs = (_output(output, clean) for output in _joined(cell.get("outputs", [])))
        kept["outputs"] = [output for output in outputs if output.get("text") != []]
    return kept


def _joined(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join what a stream wrote between two displays: where its pieces are cut, and how stdout and
    stderr alternate, depends on the moment."""
    joined: list[dict[str, Any]] = []
    open_streams: dict[str, dict[str, Any]] = {}
    for output in outputs:
        if output["output_type"] != "stream":
            open_streams = {}
            joined.append(output)
        elif output["name"] in open_streams:
            open_streams[output["name"]]["text"] += _text(output)
        else:
            open_streams[output["name"]] = {**output, "text": _text(output)}
            joined.append(open_streams[output["name"]])
    return joined


def _text(output: dict[str, Any]) -> str:
    return "".join(output["text"])


def _output(output: dict[str, Any], clean: Callable[[str], str]) -> dict[str, Any]:
    if output["output_type"] == "stream":
        text = settle(_STARTUP.sub("", _text(output)))
        return {**output, "text": clean(text).splitlines(keepends=True)}
    return _value(output, clean)


def _value(value: Any, clean: Callable[[str], str]) -> Any:
    """Clean each text of a JSON value; NaN and infinities, which JSON lacks, become None."""
    if isinstance(value, dict):
        return {
            key: item if key in _PICTURES else _value(item, clean) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_value(item, clean) for item in value]
    if isinstance(value, float) and value - value != 0:
        return None
    return clean(value) if isinstance(value, str) else value


def settle(text: str) -> str:
    """Return what a terminal shows of a stream at its end: "1 %\\r2 %\\n" is "2 %\\n"."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(
        _settled_line(line) if "\r" in line or "\b" in line else line for line in lines
    )


def _settled_line(line: str) -> str:
    shown: list[str] = []
    place = 0
    for character in _ANSI.sub("", line):
        if character == "\r":
            place = 0
        elif character == "\b":
            place = max(place - 1, 0)
        else:
            shown[place : place + 1] = character
            place += 1
    return "".join(shown).rstrip()


def path_cleaner(root: Path, staging: Path, section: str) -> Callable[[str], str]:
    """Return a function that replaces this machine's paths in a text: the project's become
    relative to its root, `staging` the section's results, the home folder "~", Python's "…"."""
    names = {str(staging): f"results/{section}", str(root): ".", str(Path.home()): "~"}
    libraries = (*site.getsitepackages(), sysconfig.get_path("stdlib"), sys.prefix, sys.base_prefix)
    names |= dict.fromkeys(libraries, "…")
    rules = [
        # looked for once a word: at each character, a picture's millions would take minutes
        (re.compile(r"(?<![^\s\"'<>()])[^\s\"'<>()]*ipykernel_\d+[/\\]\d+\.py"), "cell"),
        (re.compile(r"\b0x[0-9a-fA-F]{6,}"), "0x…"),
    ]
    for path in sorted(names, key=len, reverse=True):
        if len(Path(path).parts) > 1:
            spellings = {path, repr(path)[1:-1], Path(path).as_posix(), Path(path).as_uri()}
            either = "|".join(map(re.escape, sorted(spellings, key=len, reverse=True)))
            whole = rf"(?<![\w.\-])(?:{either})(?![\w\-])"  # not a piece of a longer name
            if names[path] == ".":
                rules.append((re.compile(rf"{whole}[/\\]+(?=\w)"), ""))
            rules.append((re.compile(whole), names[path]))

    def clean(text: str) -> str:
        for pattern, name in rules:
            text = pattern.sub(name, text)
        return text

    return clean
