"""What the report shows of a section's grid."""

import json

import pytest
from small_study import SETTINGS, code
from tiny_project import judged

from ninefold.history import read_history
from ninefold.publishing.blocks import Heading, Note, Table
from ninefold.publishing.checks import check_project
from ninefold.publishing.context import read_records
from ninefold.publishing.document import build_document
from ninefold.publishing.render import render

SECTION = "5-experiments/2-batch-size"
GRID = f"""
[sections."{SECTION}".grid]
size = [16, 64]
rate = [0.1, 0.01]
"""


def evaluated(**means):
    found = {}
    for name, mean in means.items():
        interval = {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}
        found[name] = judged(mean, summary={"log_loss": interval})
    return found


def point(size, rate):
    return f"{SECTION}@rate={rate},size={size}"


@pytest.fixture
def gridded(study):
    """A section of its own 0.3, three points of a grid that ran, and one that did not."""
    study.write("ninefold.toml", SETTINGS + GRID)
    cells = ("# Batch size\n\n## Results", code("size = 32\nrate = time()"), "## Findings")
    cells[1]["metadata"]["tags"] = ["parameters"]
    study.ran(SECTION, *cells, evaluations=evaluated(own=0.3, other=0.9))
    for (size, rate), mean in {(16, 0.1): 0.5, (16, 0.01): 0.2, (64, 0.1): 0.4}.items():
        name = point(size, rate)
        study.write(f"results/{name}/notebook.ipynb", study.executed)
        record = {"record_schema": 1, "section": name, "evaluations": evaluated(a=mean, b=0.8)}
        study.write(f"results/{name}/record.json", json.dumps(record | {"fits": 7}))
    return study


def shown(study):
    document = build_document(
        study.project, read_records(study.project), read_history(study.project.files)
    )
    (section,) = (s for s in document.sections if s.id == SECTION)
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    return section, table


def test_each_run_s_best_evaluation_is_a_row_the_best_on_top(gridded):
    _, table = shown(gridded)
    assert [column["label"] for column in table.columns] == [
        *("size", "rate", "best of the run", "log loss", "95 % interval", "")
    ]
    assert [(row[0], row[1], row[2], row[3], row[5]) for row in table.rows] == [
        (16, 0.01, "a", 0.2, ""),
        (32, None, "own", 0.3, "the section's own run"),
        (64, 0.1, "a", 0.4, ""),
        (16, 0.1, "a", 0.5, ""),
        (64, 0.01, None, None, "not run yet"),
    ]


def test_each_row_names_the_record_its_numbers_are_from(gridded):
    _, table = shown(gridded)
    for row, source in zip(table.rows[:4], table.sources[:4], strict=True):
        file, _, pointer = source.partition("#")
        value = json.loads((gridded.root / file).read_text("utf-8"))
        for key in pointer.split("/")[1:]:
            value = value[key]
        assert value["summary"]["log_loss"]["mean"] == row[3]
    assert table.sources[4] == ""
    report = render(gridded.project).files["report/README.md"].decode()
    assert f"| [numbers](../results/{point(16, 0.01)}/record.json) |" in report


def test_scores_in_another_metric_than_the_table_s_are_left_blank(gridded):
    gridded.write("ninefold.toml", SETTINGS.replace("[data]", 'metric = "accuracy"\n[data]') + GRID)
    name = point(16, 0.1)
    own, worse = judged(0.7, "accuracy"), judged(0.6, "accuracy")
    found = {"a": own, "c": worse, **evaluated(b=0.1)}
    record = {"record_schema": 1, "section": name, "evaluations": found}
    gridded.write(f"results/{name}/record.json", json.dumps(record))
    _, table = shown(gridded)
    assert table.columns[3]["label"] == "accuracy"
    assert table.rows[0][:5] == (16, 0.1, "a", 0.7, own["summary"]["accuracy"])
    assert [row[2:5] for row in table.rows[1:]] == [(None, None, None)] * 4
    assert table.rows[1][5] == "the section's own run; scored in another metric"
    assert table.sources[0].endswith("/evaluations/a")
    assert "of 2 in all" in table.caption


def test_without_a_run_in_the_present_metric_the_table_is_in_that_of_the_runs(gridded):
    gridded.write("ninefold.toml", SETTINGS.replace("[data]", 'metric = "accuracy"\n[data]') + GRID)
    _, table = shown(gridded)
    assert (table.columns[3]["label"], table.rows[0][3]) == ("log loss", 0.2)


def test_each_value_is_told_from_every_other(gridded):
    spelled = {
        "true": "true", '"true"': '"true"', "1": 1, '"1"': '"1"', "1.0": 1.0, '"ReLU"': "ReLU",
        '""': '""', '" "': '" "', '"a b"': "a b", '"a  b"': '"a  b"', "[[1], [2, 3]]": None,
        '["a"]': None, '"[1]"': '"[1]"', '"null"': '"null"', '"größe"': "größe", '"–"': '"–"',
    }  # fmt: skip
    for text, said in spelled.items():
        grid = f'[sections."{SECTION}".grid]\nsize = [{text}]\n'
        gridded.write("ninefold.toml", SETTINGS + grid)
        _, table = shown(gridded)
        (value,) = (row[0] for row in table.rows if row[-1] == "not run yet")
        assert (value, type(value)) == (said or text, type(said or text))


def test_the_caption_says_how_much_was_tried_and_that_the_best_of_it_is_optimistic(gridded):
    _, table = shown(gridded)
    assert "4 points, 3 of them run beside the section's own run" in table.caption
    assert "of 8 in all, the best is selected and therefore optimistic" in table.caption


def test_the_table_stands_between_results_and_findings(gridded):
    section, table = shown(gridded)
    headings = [b.text for b in section.blocks[section.blocks.index(table) :] if type(b) is Heading]
    assert headings == ["Findings"]


def test_a_failed_point_is_said_in_its_row_in_a_box_and_above_all(gridded):
    for name in (point(64, 0.01), point(16, 0.01)):
        gridded.failed(name, error="ValueError", message="no | such\nbatch", cell=3)
    section, table = shown(gridded)
    assert table.rows[-1][5] == "failed in cell 3: ValueError: no | such"
    assert table.rows[0][5].endswith("no | such (these numbers: the run before)")
    (box,) = (b for b in section.blocks if isinstance(b, Note) and b.tone == "caution")
    assert (box.values["failed"], box.values["points"]) == (2, "4 points")
    assert (section.state, section.remarks) == ("fresh", ("2 points failed",))
    report = render(gridded.project).files["report/README.md"].decode()
    assert "[5.2 Batch size](#52-batch-size) · **2 points failed**\n" in report
    assert "or from a run before: 5.2 Batch size (2 points failed)\n" in report


def test_a_point_of_other_code_is_out_of_date(gridded):
    path = gridded.root / "results" / point(16, 0.1) / "record.json"
    record = json.loads(path.read_text("utf-8"))
    parts = ("code", "parameters", "settings", "files", "libraries", "sections")
    record["key"] = {part: {} for part in parts} | {"code": "of another day"}
    path.write_text(json.dumps(record))
    section, table = shown(gridded)
    (remark,) = (row[5] for row in table.rows if row[:2] == (16, 0.1))
    assert remark == "out of date: the notebook's code changed"
    assert section.remarks == ("1 point out of date",)


def test_of_many_points_the_best_are_shown_with_the_section_s_own_run(gridded):
    gridded.write("ninefold.toml", SETTINGS + GRID.replace("[16, 64]", f"{list(range(2, 99))}"))
    _, table = shown(gridded)
    assert len(table.rows) == 20
    assert "175 more are in results/leaderboard.csv" in table.caption


def test_fits_of_points_count(gridded):
    assert sum(record.fits for record in read_records(gridded.project).values()) == 21


def test_check_tells_of_a_grid_by_cause_not_by_point(gridded):
    gridded.failed(point(16, 0.1), error="E", message="no")
    gridded.write(f"results/{SECTION}@size=1/record.json", "{}")
    found = {f.code: f for f in check_project(gridded.project) if "NF2" in f.code}
    assert found["NF205"].message == (
        "of its grid of 4 points, rate=0.1,size=16: its last run failed in cell 2: E: no"
    )
    assert found["NF213"].where == f"results/{SECTION}@size=1"
    unrun = [f.message for f in check_project(gridded.project) if f.message.endswith("never run")]
    assert unrun == ["of its grid of 4 points, rate=0.01,size=64: never run"]


def test_check_names_a_value_that_the_notebook_does_not_take(gridded):
    gridded.write("ninefold.toml", SETTINGS + GRID.replace("size =", "sise ="))
    (found,) = (f for f in check_project(gridded.project) if f.code == "NF209")
    assert found.message.endswith("has no parameter 'sise'; did you mean 'size'?")
