"""The lint of a study: each code is found where it should be, and only there."""

import hashlib
import json

import pytest
from small_study import code

from ninefold.errors import NinefoldError
from ninefold.history import HISTORY
from ninefold.plain_json import digest
from ninefold.publishing.checks import check_project
from ninefold.publishing.codes import CODES, explain_code
from ninefold.publishing.context import read_records
from ninefold.publishing.render import render, write
from ninefold.records import write_record
from ninefold.running.plan import make_plan
from ninefold.running.staleness.contents import digest_of
from ninefold.running.staleness.keys import completed
from ninefold.running.staleness.trace import READS
from ninefold.study.since_look import keys_of

SHIPPED = b"species,bill\nGentoo,1\n"


@pytest.fixture
def finished(whole):
    """A study that is written, fresh and rendered: nothing is to be found."""
    page = whole.root / "sections/1-problem.md"
    page.write_text(
        page.read_text().replace("> **DRAFT** Who pays for\n> a", "Everyone pays for a")
    )
    (whole.root / "data").mkdir()
    (whole.root / "data/penguins.csv").write_bytes(SHIPPED)
    sha = hashlib.sha256(SHIPPED).hexdigest()
    whole.write("data/SOURCE.json", json.dumps({"file": "penguins.csv", "sha256": sha}))
    keep_keys(whole)
    write(whole.project, render(whole.project))
    return whole


def keep_keys(study):
    """Do what the runner does: write into each record what its results depend on."""
    for step in make_plan(study.project, everything=True):
        folder = study.project.results_of(step.section.id)
        if record := study.project.record(step.section.id):
            reads = [
                {"watching": step.section.id},
                {
                    "file": "data/penguins.csv",
                    "digest": digest_of(study.project.files, "data/penguins.csv"),
                },
                {"setting": "data.target", "value": '"species"'},
            ]
            (folder / READS).write_text("".join(json.dumps(line) + "\n" for line in reads))
            key = completed(study.project, step, folder)
            write_record(folder, record.model_copy(update={"key": key}))
    study.logged()


def found(study, *codes):
    return [f for f in check_project(study.project) if not codes or f.code in codes]


def test_a_finished_study_has_no_findings(finished):
    assert found(finished) == []


def test_an_unanswered_prompt_is_a_warning_with_its_line(finished):
    finished.page("8-extensions", "# E\n\n> **DRAFT** What next?\n")
    (finding,) = found(finished, "NF201")
    assert (finding.severity, finding.where) == ("warning", "sections/8-extensions.md:3")
    assert "What next?" in finding.message


def test_an_unanswered_prompt_in_a_notebook_names_the_cell(study):
    study.notebook("4-baseline", "# B", "> **DRAFT** Why?")
    (finding,) = found(study, "NF201")
    assert finding.where == "sections/4-baseline.ipynb, cell 2, line 1"


def test_a_section_that_never_ran_is_an_error_a_stale_one_a_warning(finished):
    finished.notebook("4-baseline", "# B", code("x"))
    path = finished.root / "sections/2-data-summary.ipynb"
    path.write_text(path.read_text().replace("print('mine')", "print('yours')"))
    shown = {f.where: (f.severity, f.message) for f in found(finished, "NF202")}
    assert shown["sections/4-baseline.ipynb"] == ("error", "never run")
    assert shown["sections/2-data-summary.ipynb"] == ("warning", "the notebook's code changed")


def test_every_expression_that_names_nothing_is_an_error(finished):
    finished.page("8-extensions", "# E\n\n{{ best.acuracy }}\n\n{{ x y }} `{{ code }}`\n")
    shown = found(finished, "NF203")
    assert [f.where for f in shown] == ["sections/8-extensions.md:3", "sections/8-extensions.md:5"]
    assert {f.severity for f in shown} == {"error"}
    assert found(finished, "NF204") == []


def test_a_report_that_is_not_what_would_be_rendered_is_an_error(finished):
    finished.page("8-extensions", "# E\n\nNew.\n")
    (finding,) = found(finished)
    assert (finding.code, finding.severity, finding.where) == ("NF204", "error", "report/README.md")


def test_a_failed_section_is_an_error_with_its_cell(finished):
    finished.failed("2-data-summary", error="ValueError", message="no")
    (finding,) = found(finished, "NF205", "NF202")
    assert (finding.code, finding.severity) == ("NF205", "error")
    assert finding.message == "its last run failed in cell 2: ValueError: no"


@pytest.mark.parametrize(
    ("error", "message", "said"),
    [("NinefoldError", "no column 'x'", "no column 'x'"), ("ValueError", "", "ValueError")],
)
def test_a_failure_is_told_in_the_words_that_there_are(finished, error, message, said):
    finished.failed("2-data-summary", error=error, message=message, cell=None)
    (finding,) = found(finished, "NF205", "NF202")
    assert finding.message == f"its last run failed: {said}"


def test_data_that_are_not_those_shipped_are_an_error(finished):
    path = finished.root / "data/penguins.csv"
    path.write_bytes(SHIPPED + b"Adelie,2\n")
    assert [f.where for f in found(finished, "NF206")] == ["data/penguins.csv"]
    path.unlink()
    assert [f.message for f in found(finished, "NF206")] == ["the file is missing"]


def looks(study, *counted, keys=None):
    (study.root / HISTORY).unlink()
    study.looked(*counted, keys=keys or {})
    study.logged()
    write(study.project, render(study.project))


def test_further_looks_at_the_holdout_are_a_warning_scoring_again_is_none(finished):
    looks(finished, True, False, False)
    assert found(finished) == []
    looks(finished, True, False, True)
    (finding,) = found(finished)
    assert (finding.code, finding.severity) == ("NF207", "warning")
    assert "2 times" in finding.message


def test_an_experiment_that_changed_after_the_first_look_is_a_warning(finished):

    name = "5-experiments/1-spot-check"
    record = finished.project.record(name)
    looks(finished, True, keys={name: digest(record.key)})
    assert found(finished) == []
    looks(finished, True, keys={name: "other"})
    (finding,) = found(finished)
    assert (finding.code, finding.severity) == ("NF208", "warning")
    assert name in finding.message


def test_candidates_of_section_4_that_changed_or_went_after_the_look_are_a_warning(finished):
    finished.ran("4-baseline", code("1"))
    keep_keys(finished)
    keys = keys_of(read_records(finished.project))
    assert keys.keys() == {"4-baseline", "5-experiments/1-spot-check"}
    for then, changed in (
        (keys, []),
        ({**keys, "4-baseline": "other"}, ["4-baseline"]),
        ({"5-experiments/1-spot-check": keys["5-experiments/1-spot-check"]}, []),  # an older look
        ({**keys, "5-experiments/2-gone": "k"}, ["5-experiments/2-gone"]),
    ):
        looks(finished, True, keys=then)
        messages = [f"changed since the first look: {name}" for name in changed]
        assert [f.message for f in found(finished, "NF208")] == messages


def test_invalid_settings_are_one_error(finished):
    finished.write("ninefold.toml", "[study]\ntitel = 'x'\n")
    (finding,) = found(finished)
    assert (finding.code, finding.severity) == ("NF209", "error")


def test_files_too_large_for_github_are_found(finished):
    for name, size in (("data/big.csv", 60), ("data/huge.csv", 120), (".venv/x", 500)):
        (finished.root / name).parent.mkdir(exist_ok=True)
        with (finished.root / name).open("wb") as file:
            file.truncate(size * 2**20)
    shown = {f.where: f.severity for f in found(finished, "NF210")}
    assert shown == {"data/big.csv": "warning", "data/huge.csv": "error"}


def test_data_without_a_licence_are_a_warning(finished):
    path = finished.root / "ninefold.toml"
    path.write_text(path.read_text().replace('licence = "CC0-1.0"', ""))
    (finding,) = found(finished, "NF211")
    assert finding.severity == "warning"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sections/2-data-summary.ipynb", "{"),
        ("results/2-data-summary/record.json", '{"record_schema": 0}'),
        ("results/2-data-summary/notebook.ipynb", "["),
        ("data/SOURCE.json", "[]"),
    ],
)
def test_what_cannot_be_read_is_an_error_and_the_rest_is_still_checked(finished, name, content):
    finished.page("8-extensions", "# E\n\n> **DRAFT** What next?\n")
    finished.write(name, content)
    shown = found(finished)
    assert "NF201" in [f.code for f in shown]
    assert [f.severity for f in shown if f.code == "NF212"] == ["error"]
    assert all("\n" not in f.message for f in shown)


def test_a_damaged_log_of_looks_counts_each_line_that_cannot_be_read(finished):
    path = finished.root / HISTORY
    path.write_text(path.read_text() + '3\n{"counted": true, "ke')
    damaged, more = found(finished, "NF207", "NF214")
    assert (damaged.code, damaged.severity) == ("NF214", "error")
    assert damaged.message == "2 lines cannot be read and count as looks"
    assert more.message == "it was looked at 3 times"


def test_a_conflict_in_the_log_is_an_error_whose_advice_keeps_both_sides(finished):
    path = finished.root / HISTORY
    path.write_text(f"<<<<<<< HEAD\n{path.read_text()}=======\n>>>>>>> theirs\n")
    (conflict,) = found(finished, "NF207", "NF214")
    assert (conflict.code, conflict.severity) == ("NF214", "error")
    assert conflict.message == "git left a conflict in it, and the looks of both sides count"
    assert "keep the lines of both sides" in conflict.todo


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        ("scikit-learn==1.7 \\\n    --hash=sha256:0\nnumpy==9\n", []),
        ("scikit-learn==1.6 ; python_full_version < '3.12'\nscikit-learn==1.7\n", []),
        ("scikit-learn==1.8\n", ["it has scikit-learn 1.8, results were made with 1.7"]),
        ("Scikit_Learn[extra]==1.8\n", ["it has scikit-learn 1.8, results were made with 1.7"]),
        ("# scikit-learn==1.8\n    # via scikit-learn==1.8\n", []),
    ],
)
def test_a_lock_of_other_versions_than_the_results_is_a_warning(finished, lock, said):
    finished.write("requirements.lock", lock)
    assert [f.message for f in found(finished, "NF216")] == said


def test_errors_come_before_warnings(whole):
    severities = [f.severity for f in found(whole)]
    assert severities == sorted(severities)
    assert set(severities) == {"error", "warning"}


def test_every_finding_has_its_explanation(whole):
    assert all(f.code in CODES and f.todo for f in found(whole))


def test_a_code_is_found_in_any_case_and_a_wrong_one_answered_with_where_all_are():
    assert explain_code("nf103").title == "overfit"
    with pytest.raises(NinefoldError, match="`ninefold explain` lists all"):
        explain_code("NF299")
