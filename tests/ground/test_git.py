"""What git is asked, and for how long and how much of it."""

import pytest
from git_repository import make_repository

from ninefold import git
from ninefold.git import ask_git


@pytest.fixture
def root(tmp_path):
    run = make_repository(tmp_path)
    (tmp_path / "a").write_text("x" * 1000)
    run("add", "a")
    run("commit", "--quiet", "-m", "x")
    return tmp_path


def test_git_answers_and_is_given_what_it_asks_for(root):
    assert ask_git(root, "cat-file", "blob", "HEAD:a") == b"x" * 1000
    given = b"HEAD:a\n" * 20_000  # more than a pipe holds
    said = ask_git(root, "cat-file", "--batch-check", given=given)
    assert said is not None
    assert said.count(b" blob 1000\n") == 20_000


def test_what_fails_takes_long_or_is_too_much_is_no_answer(root, tmp_path, monkeypatch):
    assert ask_git(root, "cat-file", "blob", "HEAD:b") is None
    assert ask_git(tmp_path / "nowhere", "rev-parse", "HEAD") is None
    assert ask_git(root, "cat-file", "--batch", given=b"HEAD:a\n" * 200_000, seconds=0.01) is None
    monkeypatch.setattr(git, "_MOST", 999)
    assert ask_git(root, "cat-file", "blob", "HEAD:a") is None
    monkeypatch.setenv("PATH", "")
    assert ask_git(root, "rev-parse", "HEAD") is None
