"""A new project's git repository and its first commit."""

import os
import subprocess
from pathlib import Path

_NEUTRAL = ("ninefold", "ninefold@localhost")


def first_commit(root: Path, author: str = "", email: str = "") -> str:
    """Commit all of `root` as the first commit of a new repository.

    The author is the one that git knows, else the one given, else a neutral one: never what git
    would make of the machine's names. Returns why there is no commit, or "" where there is one.
    """
    name, address = (
        _git(root, "config", key).strip() or given or neutral
        for key, given, neutral in zip(
            ("user.name", "user.email"), (author, email), _NEUTRAL, strict=True
        )
    )
    settings = {
        "user.name": name,
        "user.email": address,
        "init.defaultBranch": "main",
        "core.hooksPath": os.devnull,
        "core.excludesFile": os.devnull,  # a global *.csv would leave out the data
        "core.autocrlf": "false",
        "commit.gpgSign": "false",
    }
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    try:
        _git(root, *options, "init", "--quiet", "--template=", check=True)
        _git(root, *options, "add", "--all", check=True)
        _git(root, *options, "commit", "--quiet", "-m", "Start the study", check=True)
    except FileNotFoundError:
        return "git is not installed: the project is no repository yet"
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines() or ["no reason given"]
        return f"git did not commit the project: {said[-1]}"
    return ""


def _git(root: Path, *arguments: str, check: bool = False) -> str:
    """Return what git says in `root`, whatever repository the caller's environment names."""
    environment = {key: value for key, value in os.environ.items() if key not in _REPOSITORY}
    try:
        return subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True, text=True, check=check, env=environment,
        ).stdout  # fmt: skip
    except FileNotFoundError:
        if check:
            raise
        return ""


_REPOSITORY = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"}
