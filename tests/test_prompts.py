"""Which prompts of a section stand unanswered."""

import pytest

from ninefold.prompts import unanswered


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        ("# Title\n\n> **DRAFT** Who pays?\n", [(3, "Who pays?")]),
        ("> **DRAFT** Who\n> pays?\n\n> **DRAFT** How much?", [(1, "Who pays?"), (4, "How much?")]),
        ("> **DRAFT**: Who?", [(1, "Who?")]),
        ("> **DRAFT**", [(1, "")]),
        ("- a list\n\n  > **DRAFT** in it", [(3, "in it")]),
        ("> A quotation. **DRAFT** is a word.", []),
        ("**DRAFT** but no quotation", []),
        ("```\n> **DRAFT** in code\n```", []),
        ("", []),
    ],
)
def test_a_prompt_is_a_quotation_that_begins_with_draft(markdown, found):
    assert unanswered(markdown) == found
