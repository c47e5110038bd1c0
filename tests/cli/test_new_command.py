"""`ninefold new`: its arguments, its wizard, its one line for each mistake."""

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from ninefold.cli import main
from ninefold.cli.new import converse
from ninefold.project import find_project

ROWS = "kind,bill\n" + "".join(f"{'ab'[row % 2]},{30 + row * 0.7:.1f}\n" for row in range(30))
SOURCE = "ninefold_source=ninefold[tensorflow]"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a working directory with a small table in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "birds.csv").write_text(ROWS)
    return tmp_path


def new(*arguments):
    return CliRunner().invoke(main, ["new", *arguments])


def test_options_and_answers_reach_the_project(folder):
    result = new("a b", "--data", "birds.csv", "--target", "kind", "--no-git", SOURCE, "title=T=1")
    assert result.exit_code == 0, result.output
    assert "cd 'a b' && make setup && make study" in result.output
    settings = find_project(folder / "a b").settings
    assert (settings.study.title, settings.data.target) == ("T=1", "kind")
    assert not (folder / "a b" / ".git").exists()


def test_without_a_destination_the_folder_is_named_after_the_title(folder):
    assert new("--data", "builtin:iris", "--no-git", SOURCE, "title=Three irises").exit_code == 0
    assert (folder / "three-irises" / "ninefold.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x", "--no-input"], "no data are named"),
        (["x", "--data", "nothing.csv"], "no such file"),
        (["x", "--data", "builtin:irsi"], "did you mean 'iris'?"),
        (["x", "--data", "birds.csv", "--no-input"], "no target is named"),
        (["x", "--data", "birds.csv", "--target", "kin"], "did you mean 'kind'?"),
        (["x", "--data", "birds.csv", "--target", "kind", "tittle=T"], "did you mean 'title'?"),
        (["x", "--data", "empty.csv", "--target", "kind"], "empty.csv is empty"),
        (["x", "--data", "image.csv", "--target", "kind"], "a PNG image"),
        (["x", "--data", "one.csv", "--target", "kind"], "only 1 row"),
        (["x", "--data", "same.csv", "--target", "kind"], "one value only"),
        (["x", "--data", "twice.csv", "--target", "kind"], "several columns are named 'kind'"),
        (["x", "--data", ".", "--target", "kind"], "is a folder"),
        (["birds.csv", "--data", "builtin:iris"], "'birds.csv' exists"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing_behind(arguments, said, folder):
    (folder / "empty.csv").write_text("")
    (folder / "image.csv").write_bytes(b"\x89PNG\r\n")
    (folder / "one.csv").write_text("kind,bill\na,1\n")
    (folder / "same.csv").write_text("kind,bill\n" + "a,1.5\n" * 20)
    (folder / "twice.csv").write_text("kind,kind\na,1\nb,2\n")
    before = sorted(folder.rglob("*"))
    result = new(*arguments)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert said in result.stderr
    assert sorted(folder.rglob("*")) == before


def test_two_destinations_are_a_usage_error(folder):
    assert new("one", "two", "--data", "builtin:iris").exit_code == 2


def test_the_help_shows_an_example_and_every_prompt():
    from ninefold.scaffold.answers import prompts

    shown = new("--help").output
    assert "Example: ninefold new penguins --data" in shown
    for name in prompts():
        assert name in shown


def test_the_wizard_previews_and_asks_again_after_a_wrong_answer(folder):
    given = ["birds.csv", "knd", "kind", *[""] * 6, "Two birds", "Ada", "ada", *[""] * 9]
    with CliRunner().isolation(input="\n".join(given)) as (output, *_):
        answers = converse({})
        shown = output.getvalue().decode()
    assert answers["data"] == "birds.csv"
    assert (answers["target"], answers["problem"]) == ("kind", "binary")
    assert (answers["title"], answers["author"], answers["email"]) == ("Two birds", "Ada", "")
    for part in ("The first rows", "30 rows, 0 of them", "2 classes", "50.0 %"):
        assert part in shown
    assert "did you mean 'kind'?" in shown
    assert "'email' is 'ada'; expected an address" in shown


def test_the_wizard_asks_nothing_that_is_answered(folder):
    given = {"data": "birds.csv", "target": "kind", "title": "T", "licence": "none"}
    with CliRunner().isolation(input="\n" * 13) as (output, *_):
        assert converse(given).items() >= given.items()
        assert "Title of the study" not in output.getvalue().decode()


def test_the_first_rows_of_a_wide_table_are_shown_with_its_target(folder):
    names = [f"x{column}" for column in range(10)]
    rows = [f"{'ab'[row % 2]},{','.join(str(row % (column + 7)) for column in range(10))}"
            for row in range(30)]  # fmt: skip
    (folder / "wide.csv").write_text("\n".join([",".join(["kind", *names]), *rows]))
    with CliRunner().isolation(input="\n" * 14) as (output, *_):
        converse({"data": "wide.csv", "target": "kind"})
        shown = output.getvalue().decode()
    assert "The first rows, without 3 of their columns" in shown
    header = next(line for line in shown.splitlines() if "x6" in line)
    assert header.split("┃")[-2].strip() == "kind"


def test_a_column_of_the_time_reaches_the_settings(folder):
    rows = "".join(f"{2000 + row},{30 + row % 7},{'ab'[row % 2]}\n" for row in range(30))
    (folder / "years.csv").write_text("year,bill,kind\n" + rows)
    given = ("--data", "years.csv", "--target", "kind", "--no-git", SOURCE)
    made = new("birds", *given, "time=year")
    assert made.exit_code == 0, made.output
    assert find_project(folder / "birds").settings.data.time == "year"
    assert "did you mean 'year'?" in new("other", *given, "time=yaer").stderr


def test_the_balance_is_shown_though_the_columns_were_answered_for(folder):
    with CliRunner().isolation(input="\n" * 12) as (output, *_):
        converse({"data": "birds.csv", "target": "kind", "group": "", "time": ""})
        assert "2 classes" in output.getvalue().decode()


def test_a_terminal_gets_the_wizard(folder):
    ours, theirs = pty.openpty()
    os.write(ours, b"\n" * 15)
    command = [sys.executable, "-m", "ninefold", "new", "--no-git", SOURCE, "title=From a terminal"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # the end of a terminal
            while part := os.read(ours, 4096):
                shown += part
    os.close(ours)
    assert process.returncode == 0, shown.decode()
    settings = find_project(Path("from-a-terminal")).settings
    assert settings.data.source == "builtin:breast_cancer"
    assert settings.study.problem == "binary"
