"""Markdown as GitHub reads it: escaping, anchors, and which parts of a text are not prose.

Everything here takes time in proportion to the text, whatever that is: it may be a stranger's. So a
text is parsed into blocks alone, and what is inline is found from left to right.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ninefold.visible import visible

# What begins something that hides its inside: what is escaped, code, math, comments.
_OPENERS = r"\\.|(?P<ticks>`+)|(?P<math>\$\$?)|(?P<comment><!--)"
_DELIMITER = re.compile(r" *\|? *:?-+:? *(?:\| *:?-+:? *)*\|? *")  # the second line of a table
_CODE = "    "
_LONGEST_HEADING = 1_000  # characters that are parsed for their markup

End = Callable[[str, int, int], int]  # text, start, stop → where what starts there ends


@cache
def parser() -> MarkdownIt:
    """Return the one parser, of blocks: CommonMark, whose tables are paragraphs (see `_rows`)."""
    return MarkdownIt("commonmark").disable("inline")


@cache
def _inline_parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("strikethrough")


def scan(text: str, pattern: str, end: End | None = None) -> Iterator[tuple[int, int]]:
    """Yield start and end of each match of `pattern` outside code, math and comments.

    `end` says where a match really ends; without it, where the pattern does.
    """
    wanted = re.compile(f"{_OPENERS}|(?P<wanted>{pattern})", re.DOTALL)
    starts = _line_starts(text)
    for first, last in _prose_lines(text):
        yield from _scan(text, starts[first], starts[last], wanted, end)


def _scan(
    text: str, place: int, stop: int, wanted: "re.Pattern[str]", end: End | None
) -> Iterator[tuple[int, int]]:
    closers = _Closers(text, place, stop)
    while match := wanted.search(text, place, stop):
        if match["wanted"] is not None:
            place = end(text, match.start(), stop) if end else match.end()
            yield match.start(), place
        else:
            place = closers.after(match)
        if place == match.start():
            place += 1


class _Closers:
    """Where what hides its inside ends, each sort of end looked for once in a stretch of text."""

    def __init__(self, text: str, start: int, stop: int):
        self._text, self._stop = text, stop
        self._ticks: dict[int, list[int]] = {}  # length of a run → its places
        for run in re.compile("`+").finditer(text, start, stop):
            self._ticks.setdefault(len(run[0]), []).append(run.start())
        self._without: set[str] = set()  # ends that do not come any more

    def after(self, opener: "re.Match[str]") -> int:
        """Return the place after what `opener` begins, or after itself where that never ends."""
        if opener["ticks"]:
            return self._after_code(opener.start(), len(opener["ticks"]))
        if opener["comment"]:
            return self._after("-->", opener.end()) or opener.end()
        if opener["math"]:
            return self._after_math(opener.start(), opener["math"])
        return opener.end()

    def _after_code(self, start: int, length: int) -> int:
        places = self._ticks.get(length, [])
        following = bisect_left(places, start + 1)
        return (places[following] if following < len(places) else start) + length

    def _after_math(self, start: int, sign: str) -> int:
        if sign == "$$" and (found := self._after("$$", start + 2)):
            return found
        closer = self._text.find("$", start + 1, self._stop)
        if closer < 0 or self._text[start + 1].isspace():
            return start + 1
        follows = self._text[closer + 1 : min(closer + 2, self._stop)]
        before = self._text[closer - 1]
        is_math = not before.isspace() and before != "\\" and not follows.isdigit()
        return closer + 1 if is_math else start + 1

    def _after(self, closer: str, start: int) -> int:
        """Return the place after the next `closer`; 0 where there is none."""
        found = -1 if closer in self._without else self._text.find(closer, start, self._stop)
        if found < 0:
            self._without.add(closer)
        return found + len(closer) if found >= 0 else 0


def _line_starts(text: str) -> list[int]:
    starts = [0, *(match.end() for match in re.finditer(r"\n", text))]
    return [*starts, len(text)]


def _prose_lines(text: str) -> Iterator[tuple[int, int]]:
    """Yield the ranges of lines that hold running text or HTML, not code; of a table each row."""
    lines = text.split("\n")
    for token in parser().parse(text):
        if token.map and token.type == "html_block":
            yield token.map[0], token.map[1]
        elif token.map and token.type == "inline":
            yield from _rows(lines, *token.map)


def _rows(lines: list[str], first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield the lines of a paragraph as one range, but those of a table in it one by one (GFM:
    from the line before the delimiters to the end of the paragraph; not a line that is indented as
    code is, which ends the table)."""
    table = next((n for n in range(first, last - 1) if _is_table(lines[n], lines[n + 1])), last)
    if first < table:
        yield first, table
    for number in range(table, last):
        if number > table and lines[number].startswith(_CODE):
            continue
        yield number, number + 1


def _is_table(header: str, delimiters: str) -> bool:
    bare = delimiters.lstrip(" >")
    is_row = "|" in header and "|" in bare and bool(_DELIMITER.fullmatch(bare))
    return is_row and _cells(bare) == _cells(header)


def _cells(row: str) -> int:
    inner = row.lstrip(" >").strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return 1 + len(re.findall(r"(?<!\\)\|", inner))


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
    text = visible(" ".join(str(text).split()))
    text = re.sub(r"[\\`*\[\]<>|#~$\"]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])", _entity, text)
    text = re.sub(r"^[-+=](?=\s|[-+=]|$)", _entity, text)  # a list, a rule, an underline
    return re.sub(r"^(\d{1,9})([.)])(?=\s|$)", lambda m: m[1] + _entity(m[2]), text)


def _entity(match: "re.Match[str] | str") -> str:
    character = match if isinstance(match, str) else match[0]
    return f"&#{ord(character)};"


def plain_text(markdown: str) -> str:
    """Return a heading's text without its markup."""
    if len(markdown) > _LONGEST_HEADING:
        return markdown
    return _text(_inline_parser().parseInline(markdown)[0].children or [])


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
