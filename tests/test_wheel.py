"""The wheel and the sdist: they hold what the tree holds, no more and no less."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {
    "generator/ninefold": "ninefold",
    "template": "ninefold/_assets/template",
    "reports": "ninefold/_assets/reports",
}


@pytest.fixture(scope="module")
def tracked():
    """Return the files that git tracks or would: what is not ignored."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    return {name for name in listed if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory, tracked):
    """Return the folder of a wheel and an sdist, built from a copy so that nobody's edit
    meanwhile counts, with the byte code in it that pip and Python leave."""
    copy, folder = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    for name in tracked:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    for cache in ("generator/ninefold", "template/hooks"):
        (copy / cache / "__pycache__").mkdir()
        (copy / cache / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    return folder


def test_the_wheel_holds_the_package_and_both_asset_folders(built, tracked):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        place + name.removeprefix(folder)
        for folder, place in FOLDERS.items()
        for name in tracked
        if name.startswith(folder + "/") and not name.startswith("reports/gallery/")
    }
    assert found == expected


def test_the_sdist_holds_what_git_holds(built, tracked):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        found = {member.name.split("/", 1)[1] for member in archive if member.isfile()}
    assert found - {"PKG-INFO"} == tracked
