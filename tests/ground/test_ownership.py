"""A project of another user's is refused in git's words, unless git's own settings trust it."""

import os
import subprocess
import sys

import pytest
from tiny_project import RECORD, make_project, write_notebook

from ninefold.errors import NinefoldError
from ninefold.ownership import refuse_strangers
from ninefold.project import find_project

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away"
)

SOMEBODY = 12345


@pytest.fixture(autouse=True)
def git_config(tmp_path, monkeypatch):
    """Git's global settings of this test alone; return where they are."""
    for name in ("GIT_CONFIG_SYSTEM", "GIT_CONFIG_GLOBAL"):
        (tmp_path / name).touch()
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("SUDO_UID", raising=False)
    return tmp_path / "GIT_CONFIG_GLOBAL"


@pytest.fixture
def root(tmp_path):
    return make_project(tmp_path)


def trust(config, *folders):
    config.write_text("".join(f"[safe]\n\tdirectory = {folder}\n" for folder in folders))


@pytest.mark.parametrize("given", [".", "ninefold.toml"])
def test_a_project_of_another_user_is_refused_with_what_to_call(root, given):
    os.chown(root / given, SOMEBODY, -1)
    with pytest.raises(NinefoldError) as error:
        find_project(root / "data")
    assert str(error.value) == (
        f"detected dubious ownership in project at '{root}'; {root / given} is owned by user "
        f"{SOMEBODY}, you are 0; to add an exception for it, call: git config --global --add "
        f"safe.directory '{root}'"
    ).replace("/.", "")


def test_a_file_of_the_settings_that_is_a_link_counts_by_its_own_owner(root, tmp_path):
    (root / "ninefold.toml").rename(tmp_path / "mine.toml")
    (root / "ninefold.toml").symlink_to(tmp_path / "mine.toml")
    os.chown(root / "ninefold.toml", SOMEBODY, -1, follow_symlinks=False)
    with pytest.raises(NinefoldError, match="dubious ownership"):
        find_project(root)


def test_a_stranger_s_settings_above_one_s_own_folder_run_nothing(tmp_path):
    """As another user may put them into /tmp."""
    (tmp_path / "ninefold.toml").write_text("")
    os.chown(tmp_path / "ninefold.toml", SOMEBODY, -1)
    own = tmp_path / "mine" / "deep"
    own.mkdir(parents=True)
    with pytest.raises(NinefoldError, match="dubious ownership"):
        find_project(own)


@pytest.mark.parametrize(
    ("trusted", "is_trusted"),
    [
        (["{root}"], True),
        (["*"], True),
        (["{parent}/*"], True),
        (["{parent}"], False),
        (["{root}/data"], False),
        (["*", ""], False),
        (["", "{root}"], True),
        ([], False),
    ],
)
def test_git_s_safe_directory_makes_an_exception(root, git_config, trusted, is_trusted):
    os.chown(root, SOMEBODY, -1)
    trust(git_config, *(each.format(root=root, parent=root.parent) for each in trusted))
    if is_trusted:
        assert find_project(root).root == root
    else:
        with pytest.raises(NinefoldError, match="dubious ownership"):
            find_project(root)


def test_the_project_s_own_git_settings_make_none(root):
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(["git", "-C", str(root), "config", "safe.directory", "*"], check=True)
    os.chown(root, SOMEBODY, -1)
    with pytest.raises(NinefoldError, match="dubious ownership"):
        find_project(root)


def test_who_called_sudo_is_no_stranger(root, monkeypatch):
    os.chown(root, SOMEBODY, -1)
    monkeypatch.setenv("SUDO_UID", str(SOMEBODY))
    refuse_strangers(root, "ninefold.toml")


@pytest.mark.parametrize("command", ["status", "check", "report", "run", "predict"])
def test_no_command_runs_what_a_stranger_wrote(root, command):
    write_notebook(root, "4-baseline", RECORD, "pathlib.Path('executed').touch()")
    os.chown(root / "ninefold.toml", SOMEBODY, -1)
    arguments = ["rows.csv"] if command == "predict" else []
    done = subprocess.run(
        [sys.executable, "-m", "ninefold", command, *arguments],
        cwd=root, capture_output=True, encoding="utf-8", timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "dubious ownership" in done.stderr
    assert not (root / "executed").exists()


def test_git_s_environment_may_trust_it_and_a_repository_may_not(root, monkeypatch):
    os.chown(root, SOMEBODY, -1)
    monkeypatch.chdir(root)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(["git", "-C", str(root), "config", "safe.directory", "*"], check=False)
    with pytest.raises(NinefoldError, match="dubious ownership"):
        find_project(root)
    for name, value in (("COUNT", "1"), ("KEY_0", "safe.directory"), ("VALUE_0", "*")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    assert find_project(root).root == root
