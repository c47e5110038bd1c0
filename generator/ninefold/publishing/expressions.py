"""Expressions in prose, `{{ best.accuracy | pm }}`: found, looked up, replaced; never evaluated.

    expression = name {"." name} {"|" format}      names as in context.py, formats as in formats.py

Left alone: code spans, fenced and indented code, math ($…$, $$…$$), comments, and `\\{{ … }}`.
Inside a table the bar may be written `\\|`, as Markdown wants it there.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.formats import FORMATS, show
from ninefold.publishing.blocks import Place, Quotation
from ninefold.publishing.context import Context
from ninefold.publishing.markdown import escape, scan

_MOST_MISTAKES = 100
_LONGEST = 500  # characters between two pairs of braces
NOT_RUN = "⟨not run yet⟩"

_EXPRESSION = re.compile(r"\s*([A-Za-z_]\w*(?:\s*\.\s*\w+)*)\s*((?:\|\s*\w+\s*)*)", re.ASCII)


@dataclass(frozen=True)
class _Found:
    start: int
    end: int
    inner: str  # what stands between the braces
    line: int


def substitute(text: str, context: Context, place: Place) -> tuple[str, tuple[Quotation, ...]]:
    """Return `text` with its expressions replaced, and what was quoted.

    `place` is where the text begins. Raises NinefoldError with file, cell and line for an
    expression that is malformed or names nothing.
    """
    parts, quoted, end = [], [], 0
    for found in _find(text):
        try:
            quotation = look_up(found.inner, context)
        except NinefoldError as error:
            where = replace(place, line=place.line + found.line)
            raise NinefoldError(f"{where}: {error.happened}", error.expected, error.todo) from None
        parts += [text[end : found.start], escape(quotation.text)]
        quoted.append(quotation)
        end = found.end
    return "".join([*parts, text[end:]]), tuple(quoted)


def mistakes(text: str, context: Context, place: Place) -> Iterator[tuple[Place, NinefoldError]]:
    """Yield every expression that `substitute` would refuse, not only the first; of very many as
    many as anyone would mend at once."""
    told = 0
    for found in _find(text):
        try:
            look_up(found.inner, context)
        except NinefoldError as error:
            yield replace(place, line=place.line + found.line), error
            told += 1
            if told == _MOST_MISTAKES:
                yield place, NinefoldError("there are more such mistakes", todo="mend these first")
                return


def look_up(inner: str, context: Context) -> Quotation:
    """Return what the text between two pairs of braces quotes. Raises NinefoldError."""
    expression = " ".join(html.unescape(inner).replace("\\|", "|").split())
    match = _EXPRESSION.fullmatch(expression)
    if not match:
        raise NinefoldError(
            f"'{{{{ {expression} }}}}' is not an expression",
            "expected a dotted name and formats, '{{ best.accuracy | pm }}'",
            "to show braces, write \\{{ or put them into a code span",
        )
    names = tuple(part.strip() for part in match[1].split("."))
    formats = [part.strip() for part in match[2].split("|")[1:]]
    for name in formats:
        if name not in FORMATS:
            raise NinefoldError(f"no format '{name}'", f"there is: {', '.join(FORMATS)}")
    if context.is_pending(names):
        return Quotation(expression, NOT_RUN, "")
    value, source = context.find(names)
    return Quotation(expression, _format(value, formats, match[1]), source)


def _format(value: Any, formats: list[str], name: str) -> str:
    if isinstance(value, dict) and "mean" not in value and "interval" not in formats[:1]:
        raise NinefoldError(
            f"'{name}' names a group of values", f"it holds: {', '.join(map(str, value))}"
        )
    try:
        for form in formats or [""]:
            value = show(value, form)
    except (TypeError, ValueError, KeyError, AttributeError):
        raise NinefoldError(
            f"the format '{form}' does not fit the value of '{name}'",
            todo="leave the format out, or take another",
        ) from None
    return str(value)


def _find(text: str) -> Iterator[_Found]:
    """Yield the expressions of a Markdown text in order."""
    if "{{" not in text:
        return
    line, last = 0, 0
    for start, end in scan(text, r"\{\{", _end_of_expression):
        line, last = line + text.count("\n", last, start), start
        inner = text[start + 2 : end - 2] if end - start > 2 else _rest_of_line(text, start)
        # The marks of a quotation inside an expression that goes over the line are no part of it.
        yield _Found(start, end, re.sub(r"\n[ >]*", " ", inner), line)


def _end_of_expression(text: str, start: int, stop: int) -> int:
    """Return where the braces close; the place after those that open, where they never do."""
    end = text.find("}}", start + 2, min(start + _LONGEST, stop))
    return end + 2 if end >= 0 else start + 2


def _rest_of_line(text: str, start: int) -> str:
    return text[start : start + _LONGEST].split("\n")[0]
