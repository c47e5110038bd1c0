"""Markdown as GitHub reads it: escaping, anchors, and which parts of a text are not prose."""

import re
from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

# In the order in which they win: what is escaped, code, math and comments hide what is inside.
_HIDDEN = (
    r"\\."
    r"|(?P<ticks>`+)(?:(?!`).*?(?<!`)(?P=ticks)(?!`))?"
    r"|\$\$.*?\$\$"
    r"|\$(?=\S)[^$]*?(?<=[^\s\\])\$(?!\d)"
    r"|<!--.*?-->"
)


@cache
def parser() -> MarkdownIt:
    """Return the one parser: CommonMark with GitHub's tables and strike-through."""
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def scan(text: str, pattern: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each match of `pattern` outside code, math and comments."""
    wanted = re.compile(f"{_HIDDEN}|(?P<wanted>{pattern})", re.DOTALL)
    starts = _line_starts(text)
    for first, last in _prose_lines(text):
        for match in wanted.finditer(text, starts[first], starts[last]):
            if match["wanted"] is not None:
                yield match.span()


def _line_starts(text: str) -> list[int]:
    starts = [0, *(match.end() for match in re.finditer(r"\n", text))]
    return [*starts, len(text)]


def _prose_lines(text: str) -> list[tuple[int, int]]:
    """Return the ranges of lines that hold running text or HTML, not code."""
    ranges: dict[tuple[int, int], None] = {}
    for token in parser().parse(text):
        if token.map and token.type in ("inline", "tr_open", "html_block"):
            ranges[token.map[0], token.map[1]] = None
    return list(ranges)


def blocks(text: str) -> Iterator[tuple[Token, Token | None, int, int]]:
    """Yield each top-level block: its opening token, the one after, first line, line after."""
    tokens = parser().parse(text)
    for index, token in enumerate(tokens):
        if token.level == 0 and token.map and token.nesting >= 0:
            following = tokens[index + 1] if index + 1 < len(tokens) else None
            yield token, following, token.map[0], token.map[1]


def escape(text: str) -> str:
    """Return `text` so that Markdown and HTML show it as it is, in a table and an attribute too.

    Characters become entities, which neither reads as markup. Newlines become blanks.
    """
    text = " ".join(str(text).split())
    text = re.sub(r"[\\`*\[\]<>|#~$\"]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])", _entity, text)
    text = re.sub(r"^[-+=](?=\s|[-+=]|$)", _entity, text)  # a list, a rule, an underline
    return re.sub(r"^(\d{1,9})([.)])(?=\s|$)", lambda m: m[1] + _entity(m[2]), text)


def _entity(match: "re.Match[str] | str") -> str:
    character = match if isinstance(match, str) else match[0]
    return f"&#{ord(character)};"


def plain_text(markdown: str) -> str:
    """Return a heading's text without its markup."""
    return _text(parser().parseInline(markdown)[0].children or [])


def _text(tokens: list[Token]) -> str:
    return "".join(
        " "
        if token.type in ("softbreak", "hardbreak")
        else _text(token.children or [])
        if token.type == "image"
        else ""
        if token.type == "html_inline"
        else token.content
        for token in tokens
    )


def anchor(heading: str, taken: dict[str, int]) -> str:
    """Return the anchor that GitHub gives a heading; `taken` counts those before it.

    Lower case; blanks become dashes; punctuation goes; a second "results" is "results-1".
    """
    slug = re.sub(r"[^\w\- ]", "", plain_text(heading).strip().lower()).replace(" ", "-")
    count = taken.get(slug, 0)
    taken[slug] = count + 1
    return f"{slug}-{count}" if count else slug


def fence(text: str) -> str:
    """Return a fence longer than any run of backticks in `text`."""
    runs = re.findall(r"`{3,}", text)
    return "`" * max([3, *(len(run) + 1 for run in runs)])
