"""Characters that would be obeyed are seen."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold.visible import visible, visible_prose


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ünïcode 🐧 👩‍🔬\n\tindented", "plain, ünïcode 🐧 👩‍🔬\n\tindented"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\rb\x07\x7f\x9b", "a\\x0db\\x07\\x7f\\x9b"),
        ("\u202egnp\u2066", "\\u202egnp\\u2066"),
        ("\ufeffa\u2028", "\\ufeffa\\u2028"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), "caf\\xe9"),
        ("half \ud800", "half \\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_would_be_obeyed_is_an_escape(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_no_text_keeps_what_would_be_obeyed_and_all_can_be_encoded(text):
    shown = visible(text)
    shown.encode()
    kinds = {unicodedata.category(character) for character in set(shown) - {"\n", "\t"}}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(c) for c in shown} & {
        *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    }
    assert visible(shown) == shown


def test_prose_keeps_the_marks_of_direction_that_a_language_needs():
    assert visible_prose("\u200fשלום\x1b[1m") == "\u200fשלום\\x1b[1m"
