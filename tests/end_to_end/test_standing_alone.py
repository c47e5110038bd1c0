"""A project needs nothing of the machine it was made on: a clone, an empty environment, two
commands. What they install is ninefold's wheel, which then makes projects of its own."""

import os
import subprocess
from pathlib import Path

import pytest
from quick_study import PENGUINS, findings, new_study, ninefold, record_of, report_of

pytestmark = pytest.mark.slow

LEFT_OUT = (
    *("5-experiments/2-batch-size", "5-experiments/3-weight-regularization"),
    *("6-improvements/1-random-search", "6-improvements/2-model-averaging"),
)


def call(folder: Path, *command: object) -> str:
    """Run a command as in a shell where no environment is active."""
    hidden = ("VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment,
        capture_output=True, encoding="utf-8", timeout=1500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_clone_in_an_empty_environment_runs_again_and_its_wheel_makes_projects(tmp_path):
    made, clone = tmp_path / "made", tmp_path / "a clone"
    answers = ("--target", "species", "author=Ada", "email=ada@example.org")
    new_study(made, PENGUINS, *answers, without=LEFT_OUT)
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    call(made, "git", *who, "commit", "--quiet", "--all", "--message", "Make it quick")
    call(tmp_path, "git", "clone", "--quiet", made, clone)

    call(clone, "make", "setup")
    assert "no requirements.lock: what is installed here is locked" in call(
        clone, "make", "reproduce"
    )
    for command in ("test", "lint", "check"):
        call(clone, "make", command)
    assert "not run yet" not in report_of(clone)
    assert record_of(clone, "7-final-model")["values"]["holdout"]["n"] == 69
    changed = call(clone, "git", "status", "--porcelain").splitlines()
    assert changed == [" M README.md", "?? report/", "?? requirements.lock", "?? results/"]

    python = clone / ".venv" / "bin" / "python"
    place = call(tmp_path, python, "-c", "import ninefold; print(ninefold.__file__)").strip()
    assert Path(place).is_relative_to(clone / ".venv")
    other = tmp_path / "elsewhere" / "study"
    other.parent.mkdir()
    new_study(other, "builtin:iris", python=python)
    for arguments in (["run", "2-data-summary", "4-baseline"], ["report"], ["report", "--check"]):
        ninefold(other, *arguments, python=python)
    judged = record_of(other, "4-baseline")["evaluations"]
    assert judged.keys() == {"strongest constant", "linear"}
    assert "#7-final-model) · not run yet" in report_of(other)
    never_run = findings(other, status=1, python=python)["NF202"]
    assert "sections/4-baseline.ipynb: never run" not in never_run
    assert "sections/3-test-harness.ipynb: never run" in never_run
    assert any(line.startswith("sections/7-final-model.ipynb: ") for line in never_run)
    wheels = [[path.name for path in (root / "vendor").iterdir()] for root in (made, other)]
    assert wheels[0] == wheels[1]
