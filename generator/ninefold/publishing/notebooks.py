"""A notebook as blocks: the prose as it stands now, code and displays as they were executed.

So changed prose shows without running anything again, and the code that a reader unfolds is the
code that made the pictures below it. Cells are matched by their ids.
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.project import Project, Section
from ninefold.publishing.blocks import (
    Block,
    Code,
    Fact,
    Failure,
    Figure,
    Note,
    Output,
    Place,
    State,
    pointer,
)
from ninefold.publishing.context import Context, record_file
from ninefold.publishing.displays import MIME, resolve
from ninefold.publishing.pages import page_blocks
from ninefold.records import Record
from ninefold.running.staleness.keys import outdated

NOTEBOOK_FILE = "notebook.ipynb"
_LONGEST_OUTPUT = 60  # lines


@dataclass(frozen=True)
class Cell:
    """What this room needs of a notebook's cell."""

    kind: str  # "markdown", "code", "raw"
    id: str
    source: str
    number: int  # counted from 1
    tags: tuple[str, ...] = ()
    outputs: tuple[dict[str, Any], ...] = ()
    alt: str = ""  # metadata "alt": describes a picture that the cell draws


@dataclass(frozen=True)
class Shown:
    """A notebook's blocks, the state of its results and the pictures that only cells hold."""

    blocks: list[Block]
    state: State
    pictures: dict[str, bytes] = field(default_factory=dict)


def read_notebook(project: Project, path: Path) -> list[Cell]:
    """Return the cells of a notebook. Raises NinefoldError where it is none."""
    name = path.relative_to(project.root).as_posix()
    try:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        return [_cell(cell, number) for number, cell in enumerate(cells, start=1)]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        why = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
        raise NinefoldError(
            f"{name} is not a notebook" + (f" ({why})" if why else ""),
            "expected JSON with a list of cells (nbformat 4)",
            "mend it, or take it back from git",
        ) from None


def _cell(cell: dict[str, Any], number: int) -> Cell:
    metadata = cell.get("metadata", {})
    source = _joined(cell["source"]).replace("\r\n", "\n")
    return Cell(
        cell["cell_type"], cell.get("id", ""), source, number,
        tuple(metadata.get("tags", ())), tuple(cell.get("outputs", ())), metadata.get("alt", ""),
    )  # fmt: skip


def _joined(text: str | list[str]) -> str:
    """nbformat keeps a text as one string or as a list of its lines."""
    return text if isinstance(text, str) else "".join(text)


def texts(project: Project, section: Section) -> Iterator[tuple[str, Place]]:
    """Yield the Markdown cells of a notebook, each with its place."""
    file = section.path.relative_to(project.root).as_posix()
    for cell in read_notebook(project, section.path):
        if cell.kind == "markdown":
            yield cell.source, Place(file, 1, cell.number)


def notebook_blocks(
    project: Project, section: Section, record: Record | None, context: Context
) -> Shown:
    """Return what the report shows of a notebook. Raises NinefoldError in one line."""
    cells = read_notebook(project, section.path)
    executed = _executed(project, section, record)
    failure = read_failure(project, section)
    file = section.path.relative_to(project.root).as_posix()
    blocks: list[Block] = []
    pictures: dict[str, bytes] = {}
    for cell in cells:
        if cell.kind == "markdown":
            blocks += page_blocks(cell.source, context, Place(file, 1, cell.number))
        elif cell.kind == "code" and record is not None and cell.source.strip():
            ran = _counterpart(cell, executed)
            blocks += _code_blocks(ran or cell, section, record, pictures)
            if "parameters" in cell.tags:
                blocks += _given(section, record)
    state = _state(cells, executed, record, failure)
    cause = "its code changed" if state == "changed" else ""
    if record is not None and state == "fresh":
        cause = outdated(project, section, record) or ""
        state = "changed" if cause else state
    return Shown([*_remarks(state, failure, cause), *blocks], state, pictures)


def _given(section: Section, record: Record) -> list[Block]:
    """Return the values that a run was given instead of those that its code shows."""
    given = record.key.get("parameters")
    if not given:
        return []
    said = "Given for this run: " + ", ".join(f"{name} = {{{name}}}" for name in given)
    return [Fact(said, given, pointer(record_file(section.id), "key", "parameters"))]


def read_failure(project: Project, section: Section) -> Failure | None:
    """Return how the last run of a section failed, or None where it did not."""
    path = project.results_of(section.id) / "failure" / "failure.json"
    try:
        content = json.loads(path.read_text("utf-8"))
        lines = content.get("lines") or ()
        return Failure(
            section.id, content.get("cell"), content["error"], content.get("message", ""),
            tuple(lines.splitlines() if isinstance(lines, str) else map(str, lines)),
        )  # fmt: skip
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError, AttributeError):
        return Failure(section.id, None, "unknown", "failure.json cannot be read")


def _executed(project: Project, section: Section, record: Record | None) -> list[Cell]:
    folder = project.results_of(section.id)
    path = folder / NOTEBOOK_FILE
    if path.is_file() != (record is not None):
        missing = NOTEBOOK_FILE if record else "record.json"
        raise NinefoldError(
            f"results/{section.id} has no {missing}",
            "a run leaves a notebook and a record together",
            f"run it again: 'ninefold run --force {section.id}'",
        )
    return read_notebook(project, path) if record else []


def _counterpart(cell: Cell, executed: list[Cell]) -> Cell | None:
    """Return the executed cell of the same id; of the same code in notebooks without ids."""
    code = [other for other in executed if other.kind == "code"]
    same = [other for other in code if other.id == cell.id and cell.id]
    return next(iter(same or [o for o in code if not o.id and o.source == cell.source]), None)


def _state(
    cells: list[Cell], executed: list[Cell], record: Record | None, failure: Failure | None
) -> State:
    if failure:
        return "failed"
    if record is None:
        return "never"
    return "fresh" if _code(cells) == _code(executed) else "changed"


def _code(cells: list[Cell]) -> list[str]:
    return [
        cell.source.strip()
        for cell in cells
        if cell.kind == "code" and cell.source.strip() and "injected-parameters" not in cell.tags
    ]


def _remarks(state: State, failure: Failure | None, cause: str) -> list[Block]:
    if failure:
        return [failure]
    if state == "never":
        return [Note("Not run yet: `ninefold run`.", tone="note")]
    if state == "changed":
        return [Note("Out of date since these results: {cause}. `ninefold run`", {"cause": cause})]
    return []


def _code_blocks(
    cell: Cell, section: Section, record: Record, pictures: dict[str, bytes]
) -> list[Block]:
    """Return a cell's folded code and what it displayed. Of a hidden cell only notes stay:
    hiding is for looks, not for warnings."""
    shown: list[Block] = []
    printed = ""
    for output in cell.outputs:
        if output.get("output_type") == "stream":
            printed += _joined(output["text"]) if output.get("name") == "stdout" else ""
        elif block := _display(output.get("data", {}), cell, section, record, pictures):
            shown.append(block)
    if printed.strip():
        shown.insert(0, Output(_readable(printed)))
    if "hide" in cell.tags:
        return [block for block in shown if isinstance(block, Note)]
    return [Code("python", cell.source.strip("\n")), *shown]


def _display(
    data: dict[str, Any], cell: Cell, section: Section, record: Record, pictures: dict[str, bytes]
) -> Block | None:
    if MIME in data:
        return resolve(data[MIME], section.id, record)
    for mime, suffix in (("image/svg+xml", "svg"), ("image/png", "png")):
        if mime in data:
            content = _joined(data[mime])
            name = f"{cell.id or f'cell-{cell.number}'}-{1 + len(pictures)}"
            file = f"{section.id}/{name}.{suffix}"
            pictures[file] = content.encode() if suffix == "svg" else base64.b64decode(content)
            return Figure(name, cell.alt or "Figure from code", "", light=file, dark=file)
    text = _joined(data.get("text/markdown") or data.get("text/plain") or "")
    if not text.strip() or re.fullmatch(r"<.* at 0x[0-9a-f]+>", text.strip(), re.DOTALL):
        return None  # the name of an object tells a reader nothing
    return Output(_readable(text))


def _readable(text: str) -> str:
    """Return text without the colours of a terminal, cut where it gets too long."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    lines = [line.rsplit("\r", 1)[-1].rstrip() for line in text.strip("\r\n").split("\n")]
    if len(lines) > _LONGEST_OUTPUT:
        left_out = len(lines) - _LONGEST_OUTPUT
        lines = [*lines[:_LONGEST_OUTPUT], f"… {left_out:,} more lines in the notebook"]
    return "\n".join(lines)
