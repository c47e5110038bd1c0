"""A finished study of the penguins' species: made once for all the tests, copied for each."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest
from quick_study import PENGUINS, new_study, ninefold


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the study that the processes of pytest-xdist share. Not to be written to."""
    base = tmp_path_factory.getbasetemp()
    common = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    root = common / "finished" / "penguins"
    with (common / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "report").exists():
            shutil.rmtree(root.parent, ignore_errors=True)
            root.parent.mkdir()
            new_study(root, PENGUINS, "--target", "species")
            ninefold(root, "run", "--all")
            ninefold(root, "report")
    return root


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished study, for a test to change."""
    return Path(shutil.copytree(finished, tmp_path / "penguins", symlinks=True))
