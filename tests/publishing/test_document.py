"""From sections and results to typed blocks, each number traced to its record."""

import json

import pytest
from nbformat.v4 import new_output
from small_study import MIME, code, figure_entry, shows, table_entry

from ninefold.errors import NinefoldError
from ninefold.formats import fill
from ninefold.history import read_history
from ninefold.publishing.blocks import (
    Code,
    Fact,
    Failure,
    Figure,
    Forecast,
    Heading,
    Note,
    Output,
    Prompt,
    Prose,
    Table,
)
from ninefold.publishing.context import read_records
from ninefold.publishing.document import build_document


def document(study):
    return build_document(
        study.project, read_records(study.project), read_history(study.project.files)
    )


def blocks(study, section):
    found = {s.id: s for s in document(study).sections}
    return found[section].blocks


def kinds(shown):
    return [type(block) for block in shown]


def resolve(root, source):
    """Follow "file#/a/b" as RFC 6901 says."""
    file, _, path = source.partition("#")
    text = (root / file).read_text("utf-8")
    if file.endswith(".toml"):
        import tomllib

        value = tomllib.loads(text)
    else:
        value = json.loads(text)
    for part in path.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        value = value[int(key) if isinstance(value, list) else key]
    return value


def test_a_notebook_becomes_blocks_in_the_order_of_its_cells(whole):
    shown = blocks(whole, "2-data-summary")
    assert kinds(shown) == [Code, Fact, Code, Table, Figure, Note, Code, Output, Figure]


def test_the_first_heading_is_the_title_and_the_others_go_one_level_down(whole):
    first = document(whole).sections[0]
    assert (first.label, first.title) == ("1", "Problem description")
    assert [b.text for b in first.blocks if isinstance(b, Heading)] == ["The decision"]
    assert [b.level for b in first.blocks if isinstance(b, Heading)] == [2]


def test_sections_in_a_folder_come_under_a_heading_of_their_own(whole):
    labels = [(s.label, s.title, s.depth) for s in document(whole).sections]
    assert ("5", "Experimental results", 1) in labels
    assert ("5.1", "Spot-check", 2) in labels


def test_a_prompt_is_the_quotation_that_begins_with_draft_and_no_other(study):
    study.page(
        "1-problem",
        "# P\n\n> **DRAFT** Who\n> pays?\n\n> A quotation.\n\n"
        "```\n> **DRAFT** code\n```\n\n**DRAFT** me",
    )
    shown = blocks(study, "1-problem")
    assert kinds(shown) == [Prompt, Prose]
    assert shown[0].text == "Who\npays?"
    assert str(shown[0].place) == "sections/1-problem.md:3"


def test_prose_keeps_every_line_between_headings(study):
    study.page("1-problem", "# P\n\nA [link][l].\n\n[l]: https://example.org\n\n## H\n\nB.\n")
    assert [b.markdown for b in blocks(study, "1-problem") if isinstance(b, Prose)] == [
        "A [link][l].\n\n[l]: https://example.org",
        "B.",
    ]


def test_changed_prose_shows_without_a_run_and_results_stay(whole):
    path = whole.root / "sections/5-experiments/1-spot-check.ipynb"
    path.write_text(path.read_text().replace("## Results", "## Results\\n\\nMy new sentence."))
    shown = blocks(whole, "5-experiments/1-spot-check")
    assert any(isinstance(b, Prose) and b.markdown == "My new sentence." for b in shown)
    assert any(isinstance(b, Table) for b in shown)
    assert not any(isinstance(b, Note) for b in shown)


def test_changed_code_keeps_the_old_results_under_the_code_that_made_them_and_says_so(whole):
    path = whole.root / "sections/5-experiments/1-spot-check.ipynb"
    path.write_text(path.read_text().replace("study.show('scores')", "study.show('other')"))
    section = next(s for s in document(whole).sections if s.label == "5.1")
    assert section.state == "changed"
    assert section.blocks[0].values == {"cause": "its code changed"}
    assert Code("python", "study.show('scores')") in section.blocks
    assert any(isinstance(b, Table) for b in section.blocks)


def test_a_section_that_never_ran_shows_its_prose_and_says_so(study):
    study.page("1-problem", "# P\n\n{{ baseline.score }} is the line.")
    study.notebook("4-baseline", "# Baseline\n\nWhy.", code("1 + 1"))
    section = document(study).sections[1]
    assert section.state == "never"
    assert kinds(section.blocks) == [Note, Prose]
    assert "⟨not run yet⟩ is the line" in blocks(study, "1-problem")[0].markdown


def test_a_failed_section_is_shown_as_failed_above_its_older_results(whole):
    whole.failed("2-data-summary", error="ValueError", message="no", lines=["→ 1  x"])
    section = next(s for s in document(whole).sections if s.label == "2")
    assert section.state == "failed"
    assert section.blocks[0] == Failure("2-data-summary", "ValueError", "no", 2, ("→ 1  x",))
    assert any(isinstance(b, Table) for b in section.blocks)


def test_a_failed_section_without_older_results_is_not_hidden(study):
    study.notebook("4-baseline", "# Baseline", code("1 / 0"))
    study.failed("4-baseline", error="ZeroDivisionError", message="division by zero")
    assert kinds(document(study).sections[0].blocks) == [Failure]


def test_the_forecast_stands_below_the_heading_results_beside_the_outcome(whole):
    shown = blocks(whole, "5-experiments/1-spot-check")
    assert kinds(shown)[:2] == [Heading, Forecast]
    assert shown[1].expected["winner"] == "wide"
    assert shown[1].outcome["winner"] == "linear"


def test_of_a_hidden_cell_only_warnings_are_shown(study):
    study.ran(
        "4-baseline",
        "# B",
        code("x", shows("4-baseline", "fact", 0), shows("4-baseline", "note", 1), tags=["hide"]),
        code("  "),
        facts=[{"kind": k, "text": k, "values": {}} for k in ("fact", "note")],
    )
    assert kinds(blocks(study, "4-baseline")) == [Note]


def test_values_that_a_run_was_given_stand_below_the_code_that_shows_others(study):
    cells = ["# B", code("epochs = 9", tags=["parameters"]), code("x")]
    study.ran("4-baseline", *cells, key={"parameters": {"epochs": "20", "sizes": "[1, 2]"}})
    shown = [block for block in blocks(study, "4-baseline") if not isinstance(block, Note)]
    assert kinds(shown) == [Code, Fact, Code]
    said = "Given for this run: epochs = 20, sizes = [1, 2]"
    assert fill(shown[1].text, shown[1].values) == said
    assert resolve(study.root, shown[1].source) == shown[1].values
    study.ran("4-baseline", *cells)
    assert kinds(blocks(study, "4-baseline")) == [Code, Code]


def test_output_of_a_users_own_code_is_text_a_reader_can_read(study):
    outputs = [
        new_output("stream", name="stdout", text="\x1b[31mred\x1b[0m\n10%\r100%\n"),
        new_output("execute_result", data={"text/html": "<b>1</b>", "text/plain": "1"}),
        new_output("execute_result", data={"text/plain": "<keras.History at 0x7f00>"}),
        new_output("display_data", data={"text/html": "<script>"}),
        new_output("display_data", data={"text/plain": "\n".join("x" * 100)}),
    ]
    study.ran("4-baseline", "# B", code("x", *outputs))
    shown = [b.text for b in blocks(study, "4-baseline") if isinstance(b, Output)]
    assert shown[:2] == ["red\n100%", "1"]
    assert len(shown) == 3
    assert shown[2].endswith("… 40 more lines in the notebook")


def test_a_picture_of_a_users_own_code_becomes_a_file_with_its_alternative_text(whole):
    own = blocks(whole, "2-data-summary")[-1]
    assert own.alt == "My own picture"
    assert document(whole).pictures[own.light].startswith(b"\x89PNG")


def test_every_number_of_the_document_is_traced_to_where_it_was_computed(whole):
    whole.page("8-extensions", "# E\n\n{{ run.fits }} fits, seed {{ study.seed }}.\n")
    traced = 0
    for section in document(whole).sections:
        for block in section.blocks:
            match block:
                case Table():
                    found = resolve(whole.root, block.source)
                    assert found["rows"] == [list(row) for row in block.rows]
                case Figure(source=source) if source:
                    assert resolve(whole.root, source)["data"] == block.data
                case Fact() | Note(source=str(_)) if block.source:
                    found = resolve(whole.root, block.source)
                    assert (found["text"], found["values"]) == (block.text, block.values)
                case Forecast():
                    assert resolve(whole.root, block.source)["winner"] == block.expected["winner"]
                case Prose() | Prompt():
                    for quotation in block.quoted:
                        assert quotation.source
                case _:
                    continue
            traced += 1
    assert traced > 10


def test_a_quotation_of_a_record_leads_to_the_very_value(whole):
    prose = [b for b in blocks(whole, "1-problem") if isinstance(b, Prose)][-1]
    found = [resolve(whole.root, quotation.source) for quotation in prose.quoted]
    assert found == [275, {"mean": 0.97, "low": 0.95, "high": 0.99}]


def test_what_was_run_leads_to_the_record_that_says_so_and_a_sum_to_all(whole):
    whole.page(
        "9-resources", "# R\n\n{{ run.versions.scikit_learn }} {{ run.commit }} {{ run.fits }}"
    )
    quoted = blocks(whole, "9-resources")[0].quoted
    assert [resolve(whole.root, q.source) for q in quoted[:2]] == ["1.7", "abc"]
    assert (quoted[2].text, quoted[2].source) == ("30", "results#/run/fits")


def test_sections_that_ran_at_several_commits_are_told_apart(study):
    none, some = {"commit": "a" * 40, "changes": "none"}, {"commit": "b" * 40, "changes": "some"}
    for section, run in (
        *(("4-baseline", some), ("5-experiments/1-x", none), ("5-experiments/1-x@a=1", none)),
        *(("6-improvements/1-y", {}), ("7-final-model", none)),
    ):
        study.ran(section, code("1"), run=run)
    study.page("9-resources", "# R\n\n{{ run.commit }}; {{ run.changes }}")
    commit, changes = blocks(study, "9-resources")[0].quoted
    assert commit.text == f"several: {'b' * 10} (4), {'a' * 10} (5.1, 7), none (6.1)"
    assert commit.source == "results#/run/commit"
    assert (changes.text, resolve(study.root, changes.source)) == ("some", "some")


@pytest.mark.parametrize("content", ["{", "[]", '{"cells": [{}]}', '{"cells": 3}', "<<<<<<< HEAD"])
def test_a_broken_notebook_is_one_clear_line(whole, content):
    whole.write("sections/2-data-summary.ipynb", content)
    with pytest.raises(NinefoldError, match=r"^sections/2-data-summary\.ipynb"):
        document(whole)


def test_a_missing_record_is_one_clear_line(whole):
    (whole.root / "results/2-data-summary/record.json").unlink()
    with pytest.raises(NinefoldError, match=r"results/2-data-summary has no record\.json; a run"):
        document(whole)


def test_a_record_of_an_older_version_is_one_clear_line(whole):
    path = whole.root / "results/2-data-summary/record.json"
    path.write_text(path.read_text().replace('"record_schema": 1', '"record_schema": 0'))
    with pytest.raises(NinefoldError, match=r"record version 0; this ninefold reads 1; run"):
        document(whole)


@pytest.mark.parametrize(
    "output",
    [
        shows("4-baseline", "table", "absent"),
        shows("4-baseline", "fact", 7),
        shows("4-baseline", "song", "x"),
        shows("4-baseline", "table", "ragged"),
        new_output("display_data", data={MIME: {"schema": 9, "kind": "fact", "name": 0}}),
    ],
)
def test_a_display_that_its_record_does_not_hold_is_one_clear_line(study, output):
    ragged = table_entry(["only one cell"])
    study.ran("4-baseline", "# B", code("x", output), tables={"ragged": ragged})
    with pytest.raises(NinefoldError, match=r"results/4-baseline .*ninefold run --force") as caught:
        document(study)
    assert "\n" not in str(caught.value)


def test_a_name_is_unknown_once_its_section_has_run(whole):
    whole.page("8-extensions", "# E\n\n{{ data_summary.colums }}")
    with pytest.raises(NinefoldError, match=r"8-extensions\.md:3: 'data_summary\.colums' names"):
        document(whole)


def test_anchors_are_those_that_github_makes(whole):
    whole.page("8-extensions", "# Ideas & *more*: `x_y`\n\n## The decision\n")
    sections = document(whole).sections
    anchors = {s.label: s.anchor for s in sections}
    assert anchors["5.1"] == "51-spot-check"
    assert anchors["8"] == "8-ideas--more-x_y"
    twice = [b.anchor for s in sections for b in s.blocks if isinstance(b, Heading)]
    assert "the-decision" in twice
    assert "the-decision-1" in twice


def test_a_figure_without_a_version_for_the_dark_shows_its_light_one(study):
    entry = figure_entry("f", files={"light": "figures/f-light.svg"})
    study.ran(
        "4-baseline", "# B", code("x", shows("4-baseline", "figure", "f")), figures={"f": entry}
    )
    figure = blocks(study, "4-baseline")[-1]
    assert figure.dark == figure.light == "results/4-baseline/figures/f-light.svg"
