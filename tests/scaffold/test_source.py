"""Where a project gets ninefold from."""

import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

import pytest

from ninefold.errors import NinefoldError
from ninefold.scaffold.source import ninefold_source, repack, requirement_line

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        ({}, "ninefold[tensorflow]==1.2"),
        (
            {
                "url": "https://github.com/me/ninefold.git",
                "vcs_info": {"vcs": "git", "commit_id": COMMIT},
            },
            f"ninefold[tensorflow] @ git+https://github.com/me/ninefold.git@{COMMIT}",
        ),
        (
            {"url": "https://example.org/ninefold-1.2-py3-none-any.whl", "archive_info": {}},
            "ninefold[tensorflow] @ https://example.org/ninefold-1.2-py3-none-any.whl",
        ),
        ({"url": "file:///home/me/ninefold", "dir_info": {}}, ""),
        ({"url": "file:///home/me/n", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}, ""),
    ],
)
def test_the_line_names_what_others_can_reach_and_nothing_of_this_machine(origin, line):
    assert requirement_line("1.2", origin) == line


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a folder with the wheel of this checkout in vendor/ and its line in requirements."""
    folder = tmp_path_factory.mktemp("a project")
    (folder / "requirements.txt").write_text(ninefold_source(folder) + "\n")
    return folder


@pytest.fixture(scope="module")
def wheel(project):
    (built,) = (project / "vendor").iterdir()
    return built


@pytest.fixture(scope="module")
def site(project, wheel):
    """Return a folder that the wheel is installed in."""
    done = pip(project, "install", "--no-deps", "--target", "site", str(wheel))
    assert done.returncode == 0, done.stderr
    return project / "site"


def test_a_checkout_travels_as_a_wheel_that_pip_accepts(project):
    assert (project / "requirements.txt").read_text().startswith("./vendor/ninefold-")
    accepted = pip(project, "install", "--dry-run", "--no-deps", "-r", "requirements.txt")
    assert accepted.returncode == 0, accepted.stderr


def test_an_installed_wheel_is_packed_again_with_the_same_files(wheel, site, tmp_path):
    again = repack(installed(site), tmp_path)
    assert again.name == wheel.name
    assert contents(again) == contents(wheel)


def test_the_origin_of_a_local_installation_is_not_packed(project, site, tmp_path):
    assert str(project) in (dist_info(site) / "direct_url.json").read_text().replace("%20", " ")
    for name, content in contents(repack(installed(site), tmp_path)).items():
        assert str(project).encode() not in content, name
        assert not name.endswith((".pyc", "direct_url.json"))


def test_an_incomplete_installation_is_said(site, tmp_path):
    copy = tmp_path / "site"
    shutil.copytree(site, copy)
    (copy / "ninefold" / "errors.py").unlink()
    with pytest.raises(NinefoldError, match=r"incomplete: no ninefold/errors\.py"):
        repack(installed(copy), tmp_path / "again")
    assert not (tmp_path / "again").exists()


def dist_info(site: Path) -> Path:
    (folder,) = site.glob("*.dist-info")
    return folder


def installed(site: Path) -> Distribution:
    return PathDistribution(dist_info(site))


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")
        }


def pip(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pip", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)
