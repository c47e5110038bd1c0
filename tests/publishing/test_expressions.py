"""Expressions in prose: what they may say, what they never touch, how they fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ninefold.errors import NinefoldError
from ninefold.publishing.blocks import Place
from ninefold.publishing.context import Context
from ninefold.publishing.expressions import NOT_RUN, mistakes, substitute
from ninefold.visible import visible

PLACE = Place("sections/1-problem.md", 10)
CONTEXT = Context(
    {
        "x": 0.5,
        "name": "a|b*c*",
        "best": {"accuracy": {"mean": 0.9, "low": 0.8, "high": 1.0}, "name": "wide"},
        "nothing": None,
    },
    {("x",): "r.json#/values/x", ("best",): "r.json#/values/best"},
    frozenset({("experiments", "late")}),
)


def shown(text: str) -> str:
    return substitute(text, CONTEXT, PLACE)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ x }}", "0.500"),
        ("{{x|percent}}", "50.0 %"),
        ("{{ best.accuracy }}", "0.900 ± 0.100"),
        ("{{ best.accuracy | interval }}", "0.800 to 1.000"),
        ("{{ best.accuracy.mean | percent }}", "90.0 %"),
        ("{{ nothing }}", "–"),
        ("| a |\n|---|\n| {{ x \\| percent }} |", "| a |\n|---|\n| 50.0 % |"),
        ("> a quotation that {{ best\n> .name }} goes on", "> a quotation that wide goes on"),
        ("# {{ best.name }}", "# wide"),
        ("<b>{{ best.name }}</b>", "<b>wide</b>"),
        ("it costs $5, or {{ x }} of $7", "it costs $5, or 0.500 of $7"),
    ],
)
def test_an_expression_becomes_the_value_in_its_format(text, expected):
    assert shown(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "`{{ x }}`",
        "``a ` {{ x }}``",
        "```\n{{ x }}\n```",
        "~~~text\n{{ unknown }}\n~~~",
        "    {{ x }}",
        "- item\n\n      {{ x }}",
        "> ```\n> {{ x }}\n> ```",
        "$a_{{ x }}$",
        "$$\n\\frac{{a}}{b} {{ x }}\n$$",
        "<!-- {{ unknown }} -->",
        "\\{{ x }}",
    ],
)
def test_code_math_comments_and_escaped_braces_stay_as_they_are(text):
    assert shown(text) == text


HIDDEN = st.sampled_from(
    ["`{{ x }}`", "``{{ nope }} ` ``", "$y_{{ x }}$", "$$ {{ nope }} $$", "<!-- {{ x }} -->"]
)
BLOCKS = st.sampled_from(["```\n{{ x }} $ `\n```", "    {{ x }}\n    ```", "~~~\n{{ nope\n~~~"])
WORDS = st.sampled_from(["word", "**bold**", "5 $", "a_b", "(x)", "[l](u)"])


@given(st.lists(st.one_of(HIDDEN, WORDS, st.just("{{ x }}")), min_size=1), st.lists(BLOCKS))
def test_whatever_surrounds_them_expressions_change_and_code_and_math_do_not(parts, blocks):
    text = "\n\n".join([" ".join(["go", *parts]), *blocks, "{{ x }}"])
    done = shown(text)
    expected = ["0.500" if part == "{{ x }}" else part for part in parts]
    assert done == "\n\n".join([" ".join(["go", *expected]), *blocks, "0.500"])


@given(st.text(max_size=30))
def test_any_text_as_a_value_is_shown_as_it_is(value):
    context = Context({"v": value})
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for template in ("go {{ v }} on", "{{ v }}", "| a |\n|---|\n| {{ v }} |"):
        markdown, _ = substitute(template, context, PLACE)
        rendered = html.render(markdown)
        plain = html.render(template.replace("{{ v }}", "VALUE"))
        wanted = visible(" ".join(value.split())).replace("&", "&amp;").replace("<", "&lt;")
        wanted = wanted.replace(">", "&gt;").replace('"', "&quot;").replace("\0", "\ufffd")
        if not wanted:
            continue
        assert rendered == plain.replace("VALUE", wanted)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("best.acuracy", "did you mean 'accuracy'?"),
        ("bets.accuracy", "did you mean 'best'?"),
        ("best", "names a group of values; it holds: accuracy, name"),
        ("x | percnt", "no format 'percnt'"),
        ("best.name | pm", "does not fit"),
        ("x + 1", "is not an expression"),
        ("x()", "is not an expression"),
        ("x.__class__", "names nothing"),
        ("x['a']", "is not an expression"),
        ("", "is not an expression"),
        ("% set y = 1 %", "is not an expression"),
    ],
)
def test_what_names_nothing_is_an_error_with_file_line_and_remedy(expression, said):
    with pytest.raises(NinefoldError) as caught:
        shown("first\n\nthird {{ " + expression + " }}")
    assert str(caught.value).startswith("sections/1-problem.md:12: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_braces_that_never_close_are_an_error():
    with pytest.raises(NinefoldError, match="is not an expression"):
        shown("a {{ x and so on")


def test_in_a_notebook_the_error_names_cell_and_line():
    place = Place("sections/4-baseline.ipynb", 1, 3)
    with pytest.raises(NinefoldError, match=r"4-baseline\.ipynb, cell 3, line 2: 'y'"):
        substitute("a\n{{ y }}", CONTEXT, place)


def test_all_mistakes_are_found_not_only_the_first():
    found = list(mistakes("{{ y }} {{ x }}\n\n{{ z }}", CONTEXT, PLACE))
    assert [place.line for place, _ in found] == [10, 12]


def test_a_value_of_a_section_that_has_not_run_shows_a_mark():
    text, (quotation,) = substitute("{{ experiments.late.gain | pm }}", CONTEXT, PLACE)
    assert text == NOT_RUN
    assert quotation.source == ""


def test_a_quotation_says_where_its_value_was_computed():
    _, quoted = substitute("{{ x }} and {{ best.accuracy.mean }}", CONTEXT, PLACE)
    assert [q.source for q in quoted] == ["r.json#/values/x", "r.json#/values/best/accuracy/mean"]
