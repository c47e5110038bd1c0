"""A git repository of nobody's: no settings of the person who runs the tests, no network."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

_OWN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
_SETTINGS = ("user.name=x", "user.email=x", "commit.gpgSign=false", "init.defaultBranch=main")
_OPTIONS = [part for setting in _SETTINGS for part in ("-c", setting)]


def make_repository(folder: Path) -> Callable[..., str]:
    """Make a repository of a folder; return a function that runs git there and gives what it says.
    It raises CalledProcessError where git fails."""

    def run(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *_OPTIONS, *arguments]
        done = subprocess.run(command, env=os.environ | _OWN, capture_output=True, check=True)
        return done.stdout.decode().strip()

    run("init", "--quiet")
    return run
