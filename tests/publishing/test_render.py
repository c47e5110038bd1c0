"""The format github: what is written, where, and what stays as it was."""

import json
import re

import pytest
from markdown_it import MarkdownIt
from small_study import README, code, shows, table_entry

from ninefold.assets import asset_folder
from ninefold.errors import NinefoldError
from ninefold.publishing.github import picture_name
from ninefold.publishing.manifest import MANIFEST
from ninefold.publishing.render import FORMATS, differences, foreign, render, write


def report(study) -> str:
    return render(study.project).files["report/README.md"].decode()


def readme(study) -> str:
    return render(study.project).files["README.md"].decode()


def test_rendering_twice_gives_the_same_bytes_and_nothing_to_write(whole):
    write(whole.project, render(whole.project))
    assert differences(whole.project, render(whole.project)) == []
    assert render(whole.project) == render(whole.project)


def test_the_report_shows_a_block_of_every_kind(whole):
    whole.failed("9-resources", error="E", message="")
    whole.notebook("4-baseline", "# Baseline", code("1 / 0"))
    whole.failed("4-baseline", error="ValueError", message="a*b", lines=["→ 1  1 / 0"])
    text = report(whole)
    for part in (
        "## 2. Data summary",
        "> ✎ **DRAFT** Who pays for\n> a false species?",
        "<sub>⚙ 275 rows</sub>",
        "> [!WARNING]\n> quick: 3 folds",
        "| a&#124;b&#42;c&#42; | 0.500 |\n| bill_length | – |",
        'srcset="figures/2-data-summary-types-dark.svg"',
        'alt="Three bars"',
        "```python\nstudy.show('columns')\n```",
        "```text\nmine\n```",
        "stated before the first result | wide | 0.020 | 70 % sure |",
        "| **Outcome** | linear | 0.010 ± 0.020 | no difference seen |",
        "> **The last run of this section failed** in cell 2: ValueError: a&#42;b",
    ):
        assert part in text
    assert "a warning" not in text
    assert "seen in Jupyter only" not in text


def test_the_predictions_that_a_section_has_kept_are_listed_beside_its_numbers(study):
    kept = {"sha256": "0" * 64, "rows": 1, "bytes": 1}
    study.ran("4-baseline", "# B", predictions={"predictions.parquet": kept})
    study.ran("7-final-model", "# F", predictions={"holdout-predictions.parquet": kept})
    text = report(study)
    assert " · [predictions](../results/4-baseline/predictions.parquet)</sub>" in text
    assert "· [predictions of the hold-out](../results/7-final-model/holdout-predictions" in text


def test_tables_stay_tables_whatever_their_cells_hold(study):
    study.ran(
        "4-baseline",
        "# B",
        code("x", shows("4-baseline", "table", "t")),
        tables={"t": table_entry(["a|b\nc", 1.0], ["`d|", -1.0], ["\\", None], ["<b>*e*", 0.0])},
    )
    html = MarkdownIt("commonmark").enable("table").render(report(study))
    cells = re.findall(r"<td[^>]*>(.*?)</td>", html)
    assert cells[0::2] == ["a|b c", "`d|", "\\", "&lt;b&gt;*e*"]
    assert cells[1::2] == ["1.000", "−1.000", "–", "0.000"]


def test_the_first_minute_holds_score_interval_range_and_baselines(whole):
    for text in (report(whole), readme(whole)):
        assert "**The network 'batch of 16' clearly beats guessing, and does better than" in text
        assert "| final model: batch of 16 | **0.957** | 0.880 to 0.985 |" in text
        assert "0.910 to 1.000, the score is inside |" in text
        assert "| best simple model: logistic regression | 0.942 |" in text
        assert "| strongest constant | 0.435 |" in text
        assert "| difference from logistic regression, paired | +0.015 | −0.020 to 0.050 |" in text
        assert "| … by cross-validation | +0.040 | 0.010 to 0.070, adjusted for 12 cand" in text
        assert "7-final-model-holdout-light.svg" in text
        assert "looked at once" in text


@pytest.mark.parametrize("missing", ["holdout", "range", "constant", "simple", "verdict", "looks"])
def test_a_missing_value_leaves_out_its_line_and_no_more(whole, missing):
    path = whole.root / "results/7-final-model/record.json"
    record = json.loads(path.read_text())
    del record["values"][missing]
    path.write_text(json.dumps(record))
    shown = readme(whole)
    assert "1 of 4 parts" in shown
    assert "None" not in shown


def test_folds_in_time_order_have_a_mean_but_no_range_and_no_verdict(whole):
    path = whole.root / "results/7-final-model/record.json"
    record = json.loads(path.read_text())
    no_range = {"mean": 0.93, "low": None, "high": None}
    verdict = "no test: folds ordered in time"
    record["values"] |= {"range": no_range, "inside": None, "verdict": verdict}
    path.write_text(json.dumps(record))
    shown = readme(whole)
    assert "| … mean of cross-validation | 0.930 |  |" in shown
    assert "**The folds follow one another in time, so no test of skill is valid." in shown


def test_before_any_run_the_report_says_that_there_is_no_result(study):
    study.page("1-problem", "# P\n\n> **DRAFT** What?")
    study.notebook("4-baseline", "# Baseline", code("x"))
    assert "There is no result yet" in report(study)
    assert "1 of 1 parts is still to be written: NF201" in report(study)
    assert "· not run yet" in report(study)


def test_a_loss_says_that_lower_is_better_and_gives_a_score_people_know(whole):
    path = whole.root / "results/7-final-model/record.json"
    text = path.read_text().replace('"metric": "accuracy"', '"metric": "log_loss"')
    text = text.replace('"metric_label": "accuracy"', '"metric_label": "log loss"')
    rows = '[["accuracy", 0.9, {"low": 0.8, "high": 0.95}, 0.7]]'
    table = f'"holdout-scores": {{"caption": "", "columns": [], "rows": {rows}}}'
    path.write_text(text.replace('"tables": {', '"tables": {' + table))
    assert "| log loss (lower is better) |" in report(whole)
    assert "On the hold-out, accuracy 0.900 (0.800 to 0.950)." in report(whole)


def test_readme_outside_the_markers_is_byte_identical(whole):
    before, after = b"# T\r\n\xef\xbb\xbf odd \xff bytes  \r\n", b"\r\n\r\nend without newline"
    markers = b"<!-- ninefold:begin -->\r\nearlier\r\n<!-- ninefold:end -->"
    (whole.root / "README.md").write_bytes(before + markers + after)
    write(whole.project, render(whole.project))
    content = (whole.root / "README.md").read_bytes()
    assert content.startswith(before + b"<!-- ninefold:begin -->\r\n")
    assert content.endswith(b"<!-- ninefold:end -->" + after)
    assert b"earlier" not in content
    assert b"\n" not in content.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "content",
    [
        "# T\n",
        "<!-- ninefold:begin -->\n",
        "<!-- ninefold:end -->\n<!-- ninefold:begin -->\n",
        README + README,
    ],
)
def test_a_readme_without_its_markers_is_an_error_that_says_what_to_add(whole, content):
    whole.write("README.md", content)
    with pytest.raises(NinefoldError, match="add the lines '<!-- ninefold:begin -->' and"):
        write(whole.project, render(whole.project))
    assert (whole.root / "README.md").read_text() == content
    assert not (whole.root / "report").exists()


STALE = "report/figures/2-data-summary-types-light.svg"


@pytest.fixture
def redrawn(whole):
    """A study whose report has two figures that its section shows no more."""
    write(whole.project, render(whole.project))
    assert (whole.root / STALE).exists()
    whole.ran("2-data-summary", "# Data summary", values={"rows": 275})
    return whole


def test_what_an_earlier_report_wrote_and_this_one_has_not_is_removed_and_named(redrawn):
    other = redrawn.write("report/slides/kept.md", "")
    assert STALE in differences(redrawn.project, render(redrawn.project))
    assert STALE in write(redrawn.project, render(redrawn.project))
    assert not (redrawn.root / STALE).exists()
    assert other.exists()
    assert differences(redrawn.project, render(redrawn.project)) == []


@pytest.mark.parametrize("name", [STALE, "report/figures/mine.svg"])
def test_what_ninefold_did_not_write_or_not_so_stays_and_is_named(redrawn, name):
    redrawn.write(name, "<svg>mine</svg>")
    rendering = render(redrawn.project)
    assert name not in write(redrawn.project, rendering)
    assert (redrawn.root / name).read_text() == "<svg>mine</svg>"
    assert foreign(redrawn.project, rendering) == [name]


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": 2}', '{"schema": 1, "formats": 3}'])
def test_a_broken_manifest_is_written_anew_and_nothing_removed_meanwhile(redrawn, content):
    redrawn.write(MANIFEST, content)
    assert MANIFEST in write(redrawn.project, render(redrawn.project))
    assert (redrawn.root / STALE).exists()
    assert differences(redrawn.project, render(redrawn.project)) == []


def test_a_report_of_somebody_else_is_not_written_over(whole):
    own = whole.write("report/README.md", "# My own report\n")
    with pytest.raises(NinefoldError, match="not written by ninefold; expected report/ to be"):
        write(whole.project, render(whole.project))
    assert own.read_text() == "# My own report\n"


def test_a_report_of_a_version_without_a_manifest_is_taken_over(whole):
    write(whole.project, render(whole.project))
    (whole.root / MANIFEST).unlink()
    assert write(whole.project, render(whole.project)) == [MANIFEST]


def test_line_ends_that_git_changed_make_no_other_report(whole):
    write(whole.project, render(whole.project))
    path = whole.root / "report/README.md"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert differences(whole.project, render(whole.project)) == []


def test_an_edited_report_differs(whole):
    write(whole.project, render(whole.project))
    path = whole.root / "report/README.md"
    path.write_text(path.read_text().replace("0.957", "0.999"))
    (whole.root / "report/figures/2-data-summary-types-dark.svg").unlink()
    assert differences(whole.project, render(whole.project)) == [
        "report/README.md",
        "report/figures/2-data-summary-types-dark.svg",
    ]


def test_all_pictures_of_the_report_are_files_of_it(whole):
    files = render(whole.project).files
    for page, folder in (("report/README.md", "report/"), ("README.md", "")):
        named = re.findall(r'(?:src|srcset)="([^"]+)"', files[page].decode())
        assert named
        assert {folder + name for name in named} <= set(files)


def test_links_in_prose_lead_to_the_same_file_from_where_the_report_is(study):
    study.notebook(
        "5-experiments/1-a",
        "# A\n\n[d](../../data/x.csv) ![i](../images/i.png) [w](https://a.b/c) [h](#here) "
        "`](x)`\n\n"
        '<img src="p.png">',
    )
    study.page("1-problem", "# P\n\nSee [data](../data/x.csv).")
    text = report(study)
    assert "[d](../data/x.csv) ![i](../sections/images/i.png) [w](https://a.b/c) [h](#here)" in text
    assert "`](x)`" in text
    assert '<img src="../sections/5-experiments/p.png">' in text
    assert "See [data](data/x.csv)." in readme(study)


def test_links_of_the_contents_lead_to_headings(whole):
    text = report(whole)
    linked = re.findall(r"\]\(#([^)]+)\)", text)
    slugs = [
        re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
        for line in text.split("\n")
        if re.match(r"#{2,3} \d", line)
    ]
    assert linked == slugs


def test_neighbours_of_a_kind_share_a_fold_a_box_or_a_paragraph(study):
    facts = [{"kind": "fact", "text": text, "values": {}} for text in ("one", "two")]
    study.ran(
        "4-baseline",
        "# B\n\n> **DRAFT** A?\n\n> **DRAFT** B?",
        code("first()"),
        code("second()", *(shows("4-baseline", "fact", number) for number in (0, 1))),
        facts=facts,
    )
    text = report(study)
    assert "> ✎ **DRAFT** A?\n>\n> ✎ **DRAFT** B?\n\n" in text
    assert "```python\nfirst()\n\nsecond()\n```" in text
    assert "<sub>⚙ one</sub><br>\n<sub>⚙ two</sub>" in text


def test_the_markdown_of_the_report_has_no_blank_lines_in_a_row(whole):
    whole.page("8-extensions", "# E\n\n> **DRAFT** What next?")
    whole.notebook("4-baseline", "# Baseline", code("x"))
    for text in (report(whole), readme(whole)):
        assert "\n\n\n" not in text
        assert text.endswith("\n")


def test_code_with_fences_and_blank_lines_stays_whole(study):
    source = 'text = """\n```\n\n\n````\n"""'
    study.ran("4-baseline", "# B", code(source))
    assert f"`````python\n{source}\n`````" in report(study)


def test_templates_cannot_be_reached_from_a_studys_text(study):
    study.page("1-problem", "# P\n\n{% raw %} {# not a comment #} `{{ x }}` {% include 'y' %}\n")
    assert "{% raw %} {# not a comment #} `{{ x }}` {% include 'y' %}" in report(study)


def test_a_picture_gets_a_name_without_blanks_and_folders():
    path = "results/5-experiments/2-batch-size/figures/my curves-dark.svg"
    assert picture_name(path) == "5-experiments-2-batch-size-my-curves-dark.svg"


def test_an_unknown_format_is_answered_with_the_nearest(whole):
    with pytest.raises(NinefoldError, match="did you mean 'github'"):
        render(whole.project, "git-hub")


def test_every_format_has_its_templates():
    for name in FORMATS:
        assert list((asset_folder("reports") / name).glob("*.jinja"))


def test_a_hold_out_score_without_an_interval_says_why_there_is_none(whole):
    path = whole.root / "results/7-final-model/record.json"
    record = json.loads(path.read_text())
    no_interval = {"low": None, "high": None, "reason": "no interval: 2 groups, 5 are needed"}
    record["values"]["holdout"] |= no_interval
    path.write_text(json.dumps(record))
    shown = readme(whole)
    assert "| final model: batch of 16 | **0.957** | no interval: 2 groups, 5 are needed |" in shown
    assert "()" not in shown
