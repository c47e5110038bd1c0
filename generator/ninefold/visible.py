"""Characters that a terminal or a page obeys instead of showing: here they become seen escapes."""

import re

# C0 and C1 but for tab and line feed; what turns the direction of text, hides in it or ends a line
# (Unicode TR9, TR36); halves of characters, which stand for bytes that are no UTF-8 (PEP 383).
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
_FORMATS = "\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff"
_UNSEEN = re.compile(f"[{_CONTROLS}{_FORMATS}]")
_UNSEEN_IN_PROSE = re.compile(f"[{_CONTROLS}]")


def visible(text: str) -> str:
    """Return `text` with an escape such as "\\x1b" or "\\u202e" for each character that would not
    be seen, but for line feeds and tabs."""
    return text if text.isascii() and text.isprintable() else _UNSEEN.sub(_escaped, text)


def visible_line(text: str) -> str:
    """Return the same as one line, whatever the names of files in it hold."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def visible_prose(text: str) -> str:
    """Return the same of what a person wrote, whose language may need marks of direction."""
    return _UNSEEN_IN_PROSE.sub(_escaped, text)


def _escaped(match: "re.Match[str]") -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte
        code -= 0xDC00
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )
