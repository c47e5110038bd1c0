"""Links of every level, to every kind of thing: nothing outside is read, written or removed, and
nothing hangs."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from attacks_conduct import attack

RECORD = "results/4-baseline/record.json"

# name in the project → name in the canary ("": the canary itself)
LINKS = {
    "report": "",
    "report/figures": "",
    "report/README.md": "secret.txt",
    "report/manifest.json": "secret.txt",
    "report/figures/4-baseline-scores-light.svg": "picture.svg",
    "report/figures/mine.svg": "picture.svg",
    "README.md": "readme.md",
    "results": "",
    "results/4-baseline": "4-baseline",
    RECORD: "record.json",
    "results/4-baseline/notebook.ipynb": "notebook.ipynb",
    "results/4-baseline/predictions.parquet": "secret.txt",
    "results/4-baseline/figures": "",
    "results/4-baseline/figures/scores-light.svg": "picture.svg",
    "results/4-baseline/figures/scores-dark.svg": "secret.txt",
    "results/4-baseline/failure": "",
    "results/5-experiments": "",
    "results/5-experiments/1-late/failure": "",
    "results/5-experiments/1-late/failure/failure.json": "secret.txt",
    "results/4-baseline@x=1": "4-baseline",
    "results/history.jsonl": "looks.jsonl",
    "results/leaderboard.csv": "secret.txt",
    "results/.ninefold": "",
    "results/7-final-model": "",
    "sections": "",
    "sections/1-problem.md": "page.md",
    "sections/4-baseline.ipynb": "notebook.ipynb",
    "sections/5-experiments": "",
    "sections/9-more.md": "secret.txt",
    "data": "",
    "data/penguins.csv": "secret.txt",
    "data/SOURCE.json": "secret.txt",
    "data/more.csv": "secret.txt",
    "penguins": "",
    "penguins/models.py": "secret.txt",
    "ninefold.toml": "secret.txt",
    ".ninefold": "",
    ".ninefold/lock": "secret.txt",
    ".ninefold/unranked": "secret.txt",
    ".ninefold/staging": "deep",
    ".ninefold/replaced/4-baseline/@old": "deep",
}


def put(root: Path, name: str, make: Callable[[Path], object]) -> None:
    """Put something in the place of what has this name."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        path.rename(root.parent / "put aside")
    path.unlink(missing_ok=True)
    make(path)


@pytest.mark.parametrize("name", LINKS)
def test_a_link_out_of_the_project_is_not_followed(victim, canary, arena, name):
    put(victim.root, name, lambda path: path.symlink_to(canary / LINKS[name]))
    # whether it holds results alone is looked at
    attack(arena, victim.root, canary, listed=[canary] if name == "results" else [])


@pytest.mark.parametrize("name", ["report/figures", "sections", RECORD, "data/SOURCE.json"])
def test_a_relative_link_is_no_other(victim, canary, arena, name):
    path = victim.root / name
    target = os.path.relpath(canary / LINKS[name], path.parent)
    put(victim.root, name, lambda path: path.symlink_to(target))
    attack(arena, victim.root, canary)


@pytest.mark.parametrize("name", [RECORD, "data/SOURCE.json", "sections/1-problem.md"])
def test_a_folder_on_the_way_that_is_a_link_is_not_followed(victim, canary, arena, name):
    """Each name is there, behind the link."""
    path = victim.root / name
    (canary / "behind").mkdir()
    (canary / "behind" / path.name).write_text((canary / LINKS[name]).read_text())
    folder = path.parent.relative_to(victim.root).as_posix()
    put(victim.root, folder, lambda path: path.symlink_to(canary / "behind"))
    attack(arena, victim.root, canary)


def test_results_may_be_a_link_to_a_folder_of_results(victim, tmp_path, arena, canary):
    elsewhere = tmp_path.resolve() / "another disk"
    (victim.root / "results").rename(elsewhere)
    (victim.root / "results").symlink_to(elsewhere)
    attack(arena, victim.root, canary)
    done = arena.run(victim.root, "report", "--check", canary=canary)
    assert (done.status, done.stdout) == (0, "report/README.md is what would be rendered\n")
    (elsewhere / "letter.txt").write_text("to my bank")
    for command in ("status", "report"):
        done = arena.run(victim.root, command, canary=canary)
        assert done.status == 1
        assert "which holds other things; expected a folder of results alone" in done.stderr


@pytest.mark.parametrize("hidden", [".git/config", ".env", ".venv/token"])
def test_what_is_hidden_in_the_project_is_not_shown_through_a_link(victim, canary, arena, hidden):
    victim.write(hidden, (canary / "secret.txt").read_text())
    figure = "results/4-baseline/figures/scores-light.svg"
    put(victim.root, figure, lambda path: path.symlink_to(victim.root / hidden))
    put(victim.root, "sections/2-more.md", lambda path: path.symlink_to(victim.root / hidden))
    attack(arena, victim.root, canary, hidden=[hidden])


def to_zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def to_kernel_log(path: Path) -> None:
    path.symlink_to("/proc/kmsg")


def to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's name may not be long
    try:
        with socket.socket(socket.AF_UNIX) as unix:
            unix.bind(path.name)
    finally:
        os.chdir(here)


def folder(path: Path) -> None:
    path.mkdir()


def ten_gigabytes(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 * 2**30)


def unreadable_bytes(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00\x80" * 1000)


def empty(path: Path) -> None:
    path.touch()


FILES = [name for name, target in LINKS.items() if target and "." in name.rpartition("/")[2]]
EACH_KIND = ("ninefold.toml", RECORD, "sections/4-baseline.ipynb", "results/history.jsonl")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("make", [to_zero, pipe, folder, ten_gigabytes])
def test_what_is_no_file_in_the_place_of_one_is_a_line_at_once(victim, canary, arena, name, make):
    put(victim.root, name, make)
    attack(arena, victim.root, canary)


@pytest.mark.parametrize("name", EACH_KIND)
@pytest.mark.parametrize("make", [to_kernel_log, to_itself, listening, unreadable_bytes, empty])
def test_whatever_stands_in_the_place_of_a_file_is_a_line(victim, canary, arena, name, make):
    put(victim.root, name, make)
    attack(arena, victim.root, canary)


@pytest.mark.parametrize("name", ["report", "results", "sections", "data", "results/4-baseline"])
@pytest.mark.parametrize("make", [to_zero, to_itself, pipe, empty])
def test_what_is_no_folder_in_the_place_of_one_is_a_line_at_once(victim, canary, arena, name, make):
    put(victim.root, name, make)
    attack(arena, victim.root, canary)


def test_the_canary_s_guard_sees_who_opens_it(canary, arena, victim):
    done = arena.run(victim.root, "new", "x", "--data", str(canary / "secret.txt"), canary=canary)
    assert done.opened == [str(canary / "secret.txt")]
