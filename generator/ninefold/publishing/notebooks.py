"""A notebook as blocks: the prose as it stands now, code and displays as they were executed.

So changed prose shows without running anything again, and the code that a reader unfolds is the
code that made the pictures below it. Cells are matched by their ids.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ninefold.errors import NinefoldError
from ninefold.project import Project, Section
from ninefold.publishing.blocks import (
    Block,
    Code,
    Fact,
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
from ninefold.records import RECORD_FILE, Record
from ninefold.running.failures import Failure, read_failure
from ninefold.running.notebooks import (
    CellEntry,
    OutputEntry,
    Shapes,
    joined,
    read_notebook,
    source,
    tags,
)
from ninefold.running.plan import LOOK
from ninefold.running.results import NOTEBOOK
from ninefold.running.staleness.forecast_cell import without_forecast
from ninefold.running.staleness.keys import Keys, outdated
from ninefold.visible import visible

_LONGEST_OUTPUT, _LONGEST_LINE = 60, 2_000  # lines, characters


@dataclass(frozen=True)
class Cell:
    """What this room needs of a notebook's cell."""

    kind: Literal["code", "markdown", "raw"]
    id: str
    source: str
    number: int  # counted from 1
    tags: tuple[str, ...] = ()
    outputs: tuple[OutputEntry, ...] = ()
    alt: str = ""  # describes a picture that the cell draws


@dataclass(frozen=True)
class Shown:
    """A notebook's blocks, the state of its results and the pictures that only cells hold."""

    blocks: list[Block]
    state: State
    pictures: dict[str, bytes] = field(default_factory=dict)


def read_cells(project: Project, name: str) -> list[Cell]:
    """Return the cells of a notebook. Raises NinefoldError where it is none."""
    cells = read_notebook(project.files, name)["cells"]
    return [_cell(cell, number) for number, cell in enumerate(cells, start=1)]


def _cell(cell: CellEntry, number: int) -> Cell:
    return Cell(
        cell["cell_type"], cell.get("id", ""), source(cell).replace("\r\n", "\n"), number,
        tuple(tags(cell)), tuple(cell.get("outputs", ())), cell.get("metadata", {}).get("alt", ""),
    )  # fmt: skip


def texts(project: Project, section: Section) -> Iterator[tuple[str, Place]]:
    """Yield the Markdown cells of a notebook, each with its place."""
    for cell in read_cells(project, section.file):
        if cell.kind == "markdown":
            yield cell.source, Place(section.file, 1, cell.number)


def notebook_blocks(keys: Keys, section: Section, record: Record | None, context: Context) -> Shown:
    """Return what the report shows of a notebook. Raises NinefoldError in one line."""
    cells = read_cells(keys.project, section.file)
    executed = _executed(keys.project, section, record)
    counterpart = _counterparts(executed)
    failure = read_failure(keys.project, section.id)
    blocks: list[Block] = []
    pictures: dict[str, bytes] = {}
    for cell in cells:
        if cell.kind == "markdown":
            blocks += page_blocks(cell.source, context, Place(section.file, 1, cell.number))
        elif cell.kind == "code" and record is not None and cell.source.strip():
            ran = counterpart.get(cell.id or cell.source)
            blocks += _code_blocks(ran or cell, section, record, pictures)
            if "parameters" in cell.tags:
                blocks += _given(section, record)
    state = _state(cells, executed, record, failure)
    cause = "its code changed" if state == "changed" else ""
    if record is not None and state == "fresh":
        cause = outdated(keys, section, record) or ""
        state = "changed" if cause else state
    command = "ninefold run 7" if section.number == LOOK else "ninefold run"
    return Shown([*_remarks(state, failure, cause, command), *blocks], state, pictures)


def _given(section: Section, record: Record) -> list[Block]:
    """Return the values that a run was given instead of those that its code shows."""
    given = record.key.get("parameters")
    if not given:
        return []
    said = "Given for this run: " + ", ".join(f"{name} = {{{name}}}" for name in given)
    return [Fact(said, given, pointer(record_file(section.id), "key", "parameters"))]


def _executed(project: Project, section: Section, record: Record | None) -> list[Cell]:
    name = f"results/{section.id}/{NOTEBOOK}"
    if project.files.exists(name) != (record is not None):
        missing = NOTEBOOK if record else RECORD_FILE
        raise NinefoldError(
            f"results/{section.id} has no {missing}",
            "a run leaves a notebook and a record together",
            f"run it again: 'ninefold run --force {section.id}'",
        )
    return read_cells(project, name) if record else []


def _counterparts(executed: list[Cell]) -> dict[str, Cell]:
    """Return the executed code cells by id, those of notebooks without ids by their code: of two
    alike the first."""
    code = [cell for cell in executed if cell.kind == "code"]
    return {cell.id or cell.source: cell for cell in reversed(code)}


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
        without_forecast(cell.source).strip()
        for cell in cells
        if cell.kind == "code" and cell.source.strip() and "injected-parameters" not in cell.tags
    ]


def _remarks(state: State, failure: Failure | None, cause: str, command: str) -> list[Block]:
    if failure:
        return [failure]
    if state == "never":
        return [Note(f"Not run yet: `{command}`.", tone="note")]
    if state == "changed":
        said = f"Out of date since these results: {{cause}}. `{command}`"
        return [Note(said, {"cause": cause})]
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
            printed += joined(output.get("text", "")) if output.get("name") == "stdout" else ""
        elif block := _display(output.get("data", {}), cell, section, record, pictures):
            shown.append(block)
    if printed.strip():
        shown.insert(0, Output(_readable(printed)))
    if "hide" in cell.tags:
        return [block for block in shown if isinstance(block, Note)]
    return [Code("python", visible(cell.source.strip("\n"))), *shown]


def _display(
    data: Shapes, cell: Cell, section: Section, record: Record, pictures: dict[str, bytes]
) -> Block | None:
    if pointed := data.get(MIME):
        return resolve(pointed, section.id, record)
    number = 1 + len(pictures)
    name = f"{cell.id or f'cell-{cell.number}'}-{number}"
    for picture, suffix in ((_svg(data), "svg"), (_png(data, section), "png")):
        if picture is not None:
            file = f"{section.id}/{name}.{suffix}"
            pictures[file] = picture
            return Figure(name, cell.alt or "Figure from code", "", light=file, dark=file)
    text = joined(data.get("text/markdown") or data.get("text/plain") or "")
    if not text.strip() or re.fullmatch(r"<[^\n]{1,200} at 0x[0-9a-f]+>", text.strip()):
        return None  # the name of an object tells a reader nothing
    return Output(_readable(text))


def _svg(data: Shapes) -> bytes | None:
    return joined(data["image/svg+xml"]).encode() if "image/svg+xml" in data else None


def _png(data: Shapes, section: Section) -> bytes | None:
    try:
        return base64.b64decode(joined(data["image/png"])) if "image/png" in data else None
    except ValueError as error:
        raise NinefoldError(
            f"results/{section.id}/{NOTEBOOK} holds a picture that is none ({error})",
            todo=f"run it again: 'ninefold run --force {section.id}'",
        ) from None


def _readable(text: str) -> str:
    """Return text without the colours of a terminal, cut where it gets too long."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    lines = [_cut(line.rsplit("\r", 1)[-1].rstrip()) for line in text.strip("\r\n").split("\n")]
    if len(lines) > _LONGEST_OUTPUT:
        left_out = len(lines) - _LONGEST_OUTPUT
        lines = [*lines[:_LONGEST_OUTPUT], f"… {left_out:,} more lines in the notebook"]
    return visible("\n".join(lines))


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} …"
