"""A person's Markdown, cut into headings, prompts and prose."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ninefold.bounded import PAGE, must_be_short
from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.publishing.blocks import Block, Heading, Place, Prompt, Prose
from ninefold.publishing.context import Context
from ninefold.publishing.expressions import substitute
from ninefold.publishing.markdown import blocks
from ninefold.visible import visible_prose

_DRAFT = re.compile(r"\*\*DRAFT\*\*[:.]?\s*")


@dataclass(frozen=True)
class Piece:
    """A part of a Markdown text as written: `level` is a heading's, else 0."""

    text: str
    place: Place
    level: int = 0
    is_prompt: bool = False


def read_page(project: Project, name: str) -> str:
    """Return a text file of the project with line ends as "\n". Raises NinefoldError."""
    try:
        text = project.files.text(name, PAGE)
    except FileNotFoundError:
        raise NinefoldError(f"no such file: {name}") from None
    must_be_short(name, text.count("\n"))
    return text


def cut(text: str, place: Place) -> Iterator[Piece]:
    """Yield the headings, prompts and runs of prose of a text in order; blank runs are left out.

    `place` is where the text begins. A prompt is a quotation that begins with **DRAFT**.
    """
    lines = text.split("\n")
    written = 0  # prose from here on was not yet yielded
    for token, following, first, last in blocks(text):
        piece = None
        where = replace(place, line=place.line + first)
        if token.type == "heading_open" and following is not None:
            piece = Piece(following.content, where, level=int(token.tag[1]))
        elif token.type == "blockquote_open":
            quoted = "\n".join(re.sub(r"^ {0,3}> ?", "", line) for line in lines[first:last])
            if draft := _DRAFT.match(quoted.lstrip()):
                question = quoted.lstrip()[draft.end() :].strip()
                piece = Piece(question, where, is_prompt=True)
        if piece:
            yield from _prose(lines, written, first, place)
            yield piece
            written = last
    yield from _prose(lines, written, len(lines), place)


def _prose(lines: list[str], first: int, last: int, place: Place) -> Iterator[Piece]:
    while first < last and not lines[first].strip():
        first += 1
    text = "\n".join(lines[first:last]).rstrip()
    if text:
        yield Piece(text, replace(place, line=place.line + first))


def page_blocks(text: str, context: Context, place: Place) -> list[Block]:
    """Return the blocks of a Markdown text, expressions replaced. Raises NinefoldError."""
    return [_block(piece, context) for piece in cut(visible_prose(text), place)]


def _block(piece: Piece, context: Context) -> Block:
    text, quoted = substitute(piece.text, context, piece.place)
    if piece.level:
        return Heading(piece.level, text)
    if piece.is_prompt:
        return Prompt(text, piece.place, quoted)
    return Prose(text, quoted)
