"""The format `github`: report/README.md, its figures, and a part of the project's README.md."""

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from typing import Any
from urllib.parse import quote

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from ninefold.assets import asset_folder
from ninefold.bounded import FIGURE, PAGE
from ninefold.errors import NinefoldError
from ninefold.formats import fill, show, times
from ninefold.project import Project
from ninefold.publishing.blocks import (
    Block,
    Code,
    Document,
    DocumentSection,
    Fact,
    Figure,
    Prompt,
    Table,
)
from ninefold.publishing.markdown import escape, fence, scan
from ninefold.publishing.summary import Summary
from ninefold.visible import visible

SIGNATURE = "Rendered by ninefold from the records of the runs."  # in every report
_LINK = r"\]\([^()\s]+|\b(?:src|href)=\"[^\"\s]+"
BEGIN, END = "<!-- ninefold:begin -->", "<!-- ninefold:end -->"
REPORT, FIGURES, README = "report/README.md", "report/figures", "README.md"


def render_github(project: Project, document: Document, summary: Summary) -> dict[str, bytes]:
    """Return the files of the format by their paths from the project's root.

    Raises NinefoldError where the project's README.md has no place for its part.
    """
    environment = _environment()
    known = {
        "document": document,
        "study": project.settings.study,
        "summary": summary,
        "signature": SIGNATURE,
        "locked": project.files.exists("requirements.lock"),
    }
    report = environment.get_template("report.md.jinja").render(known)
    part = environment.get_template("readme.md.jinja").render(known)
    files = {REPORT: report.encode(), README: _readme(project, part)}
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Figure):
                files.update(_figure_files(project, document, block))
    if summary.figure:
        files.update(_figure_files(project, document, summary.figure))
    return files


@cache
def _environment() -> SandboxedEnvironment:
    """Text from people and data reaches templates only as values; templates escape what is not
    Markdown with `| md`."""
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(asset_folder("reports") / "github"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "md": escape,
        "show": show,
        "filled": lambda block: _escape_line(fill(block.text, block.values)),
        "percent": lambda share: f"{100 * share:.0f} %",
        "fence": fence,
        "quoted": lambda text: "\n".join(f"> {line}".rstrip() for line in text.split("\n")),
        "picture": picture_name,
        "href": href,
        "visible": visible,
        "record_link": _record_link,
        "relinked": _relinked,
        "alignments": _alignments,
        "times": times,
    }
    blocks = environment.get_template("blocks.md.jinja").module
    environment.filters["body"] = lambda section: _body(section, blocks)
    environment.globals["figure"] = blocks.Figure  # type: ignore[attr-defined]
    return environment


def _escape_line(text: str) -> str:
    """Escape a computed line, but keep its code spans: `ninefold run` is meant as code."""
    spans = re.split(r"(`[^`\n]+`)", " ".join(text.split()))
    return "".join(
        visible(span) if index % 2 else re.sub(r"\S(?:.*\S)?", lambda m: escape(m[0]), span)
        for index, span in enumerate(spans)
    )


def _body(section: DocumentSection, blocks: Any) -> str:
    """Return a section's blocks, each by the macro of its name, a blank line between them.

    Facts in a row are the lines of one paragraph, prompts in a row those of one quotation.
    """
    text = ""
    last: Block | None = None
    for block in _joined(section.blocks):
        shown = getattr(blocks, type(block).__name__)(block, section).strip()
        if isinstance(block, Fact) and isinstance(last, Fact):
            text += "<br>\n" + shown
        elif isinstance(block, Prompt) and isinstance(last, Prompt):
            text += "\n>\n" + shown
        else:
            text += "\n\n" + shown
        last = block
    return text.strip()


def _record_link(source: str) -> str:
    """Return the link to the record in which a number stands; nothing where there is none."""
    file, _, _ = source.partition("#")
    return f"[numbers](../{href(file)})" if file else ""


def href(path: str) -> str:
    """Return a path as a link of Markdown has it."""
    return quote(os.fsencode(path), "/@=,~")


def picture_name(path: str) -> str:
    """Return under which name a picture lies in report/figures.

    "results/4-baseline/figures/scores-dark.svg" is "4-baseline-scores-dark.svg".
    """
    name = path.removeprefix("results/").replace("/figures/", "/")
    return re.sub(r"[^\w.]+", "-", name, flags=re.ASCII).strip("-")


def _figure_files(project: Project, document: Document, figure: Figure) -> dict[str, bytes]:
    files = {}
    for path in (figure.light, figure.dark):
        drawn = document.pictures.get(path)
        try:
            content = drawn or project.files.read(path, FIGURE)
            files[f"{FIGURES}/{picture_name(path)}"] = content
        except FileNotFoundError:
            raise NinefoldError(
                f"the figure {path} is missing",
                todo="run its section again",
            ) from None
    return files


def _joined(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield the blocks, code of neighbouring cells as one: what is folded away is one fold."""
    for is_code, group in groupby(blocks, lambda block: isinstance(block, Code)):
        if is_code:
            cells = [block for block in group if isinstance(block, Code)]
            yield Code(cells[0].language, "\n\n".join(cell.text for cell in cells))
        else:
            yield from group


def _alignments(table: Table) -> list[str]:
    """Return a table's second line: numbers to the right, columns that hold any text left."""
    columns = zip(*table.rows, strict=True) if table.rows else [()] * len(table.columns)
    return [
        ":---"
        if any(isinstance(value, (str, bool)) and value != "" for value in values)
        else "---:"
        for values in columns
    ]


def _relinked(markdown: str, source: str, base: str = "report") -> str:
    """Return prose with its relative links, written from the file `source`, as seen from `base`."""
    if not re.search(_LINK, markdown):
        return markdown
    parts, end = [], 0
    for start, stop in scan(markdown, _LINK):
        lead, _, target = re.split(r"([(\"])", markdown[start:stop], maxsplit=1)
        parts += [markdown[end : start + len(lead) + 1], _moved(target, source, base)]
        end = stop
    return "".join([*parts, markdown[end:]])


def _moved(target: str, source: str, base: str) -> str:
    if re.match(r"[a-zA-Z][\w+.-]*:|[/#<]", target):
        return target
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    return posixpath.relpath(path, base)


def _readme(project: Project, part: str) -> bytes:
    """Return README.md with what is between its markers replaced, every other byte as it was."""
    try:
        content = project.files.read(README, PAGE)
    except FileNotFoundError:
        raise NinefoldError(
            f"{README} is missing", todo=f"make one with the lines '{BEGIN}' and '{END}'"
        ) from None
    begin, end = BEGIN.encode(), END.encode()
    before, found, rest = content.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed) or content.count(begin) + content.count(end) != 2:
        raise NinefoldError(
            f"{README} has no place for the summary",
            "expected two markers, once each and in this order",
            f"add the lines '{BEGIN}' and '{END}' where it is to stand",
        )
    newline = b"\r\n" if b"\r\n" in content else b"\n"
    inner = part.encode().replace(b"\n", newline)
    return before + begin + newline + inner + end + after
