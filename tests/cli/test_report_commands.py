"""The commands report, check and explain: what they print and how they exit."""

import json

import pytest
from click.testing import CliRunner
from tiny_project import SETTINGS

from ninefold.cli import main

README = "mine\n<!-- ninefold:begin -->\n<!-- ninefold:end -->\nmine too\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "sections").mkdir()
    (tmp_path / "ninefold.toml").write_text(SETTINGS)
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "sections/1-problem.md").write_text("# Problem\n\n> **DRAFT** Who pays?\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ninefold(*arguments):
    return CliRunner().invoke(main, arguments)


def test_report_writes_and_then_finds_nothing_to_change(project):
    done = ninefold("report")
    assert (done.exit_code, done.output) == (0, "rendered report/README.md (3 files changed)\n")
    assert ninefold("report").output == "report/README.md is what would be rendered\n"
    assert ninefold("report", "-q").output == ""


def test_report_check_writes_nothing_and_names_what_differs(project):
    done = ninefold("report", "--check")
    assert done.exit_code == 1
    assert "  report/README.md\n" in done.output
    assert not (project / "report").exists()
    ninefold("report")
    assert ninefold("report", "--check").exit_code == 0


def test_report_as_json_says_what_it_wrote(project):
    assert json.loads(ninefold("report", "--json").output) == {
        "report": "report/README.md",
        "written": ["README.md", "report/README.md", "report/manifest.json"],
        "left": [],
    }
    assert json.loads(ninefold("report", "--check", "--json").output)["different"] == []


def test_an_expression_that_names_nothing_is_one_line_and_leaves_the_report(project):
    ninefold("report")
    before = (project / "report/README.md").read_bytes()
    (project / "sections/1-problem.md").write_text("# P\n\n{{ study.titel }}\n")
    done = ninefold("report")
    assert done.exit_code == 1
    assert done.stderr.startswith("ninefold: sections/1-problem.md:3: 'study.titel' names nothing")
    assert done.stderr.count("\n") == 1
    assert (project / "report/README.md").read_bytes() == before


def test_an_unknown_format_is_one_line(project):
    done = ninefold("report", "--format", "githb")
    assert done.exit_code == 1
    assert "did you mean 'github'?" in done.stderr


def test_check_lets_warnings_pass_unless_strict(project):
    ninefold("report")
    done = ninefold("check")
    assert done.exit_code == 0
    assert "sections/1-problem.md:3: warning NF201: still to be written: Who pays?" in done.output
    assert "2 warnings" in done.output
    assert ninefold("check", "--strict").exit_code == 1


def test_check_exits_1_for_an_error(project):
    done = ninefold("check")
    assert done.exit_code == 1
    assert "report/README.md: error NF204: the report was never rendered" in done.output


def test_check_as_json_counts_what_it_found(project):
    content = json.loads(ninefold("check", "--json").output)
    assert (content["errors"], content["warnings"]) == (1, 2)
    assert set(content["findings"][0]) == {"code", "severity", "where", "message", "todo"}


def test_explain_prints_a_code_or_all_of_them():
    assert ninefold("explain", "nf103").output.startswith("NF103 overfit\n")
    assert "NF112 one answer for every row\nNF201 " in ninefold("explain").output
    assert json.loads(ninefold("explain", "NF201", "--json").output)["code"] == "NF201"
    said = ninefold("explain", "NF2O1").stderr
    assert "No code NF2O1; `ninefold explain` lists all" in said


@pytest.mark.parametrize("command", ["report", "check", "explain"])
def test_help_shows_an_example(command):
    assert f"ninefold {command}" in ninefold(command, "--help").output.split("Example")[1]
