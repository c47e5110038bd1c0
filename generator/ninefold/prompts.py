"""The questions a section still asks its author: block quotes that begin with **DRAFT**."""

import re
from functools import cache
from typing import Any

_MARK = re.compile(r"\*\*DRAFT\*\*:?\s*")


def unanswered(markdown: str) -> list[tuple[int, str]]:
    """Return line (from 1) and text, without its mark, of each prompt that still stands.

    What only looks like one, in a code block, is none.
    """
    if not _MARK.search(markdown):
        return []
    found, depth = [], 0
    for token in _parser().parse(markdown):
        if token.type in ("blockquote_open", "blockquote_close"):
            depth += token.nesting
        elif token.type == "inline" and depth and token.map and _MARK.match(token.content):
            text = " ".join(_MARK.sub("", token.content, count=1).split())
            found.append((token.map[0] + 1, text))
    return found


@cache
def _parser() -> Any:
    """Return the one parser: to make it takes longer than to parse a cell."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").disable("inline")
