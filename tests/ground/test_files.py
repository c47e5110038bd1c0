"""The one way to the files of a project: names, links, what is read and what is written."""

import os
import shutil
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ninefold import bounded
from ninefold.bounded import PAGE, Kind, read_given, read_regular, write_given
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.places import OutsideError

SMALL = Kind("a small file", 10, "make it smaller")


@pytest.fixture
def root(tmp_path):
    root = tmp_path.resolve() / "project"
    for name in ("data/rows.csv", "results/4-baseline/record.json", ".git/config", "page.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root.parent / "secret").write_text("secret")
    return root


@pytest.fixture
def files(root):
    return Files(root)


def test_a_name_is_the_path_from_the_root_however_it_is_spelled(files, root):
    names = ("data/rows.csv", "data//rows.csv", "./data/../data/rows.csv", root / "data/rows.csv")
    assert {files.name(name) for name in names} == {"data/rows.csv"}
    assert files.name(".") == files.name(root) == "."


@given(st.lists(st.sampled_from(["..", ".", "a", "", "results", "~"]), max_size=8))
def test_no_name_leads_out_of_the_project_by_itself(tmp_path_factory, parts):
    root = tmp_path_factory.getbasetemp() / "names"
    name = "/".join(parts)
    try:
        found = Files(root).locate(name)
    except OutsideError:
        return
    assert found.is_relative_to(root.resolve())


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "data/../../secret", "a\0b", ".."])
def test_a_name_that_leads_out_is_refused_for_whatever(files, name):
    calls = (
        lambda: files.read(name, PAGE),
        lambda: files.write(name, "x"),
        lambda: files.append(name, "x"),
        lambda: files.remove(name),
        lambda: files.move(name, "here"),
        lambda: files.move("page.md", name),
        lambda: files.make_folder(name),
        lambda: files.digest(name),
        lambda: list(files.walk(name)),
        lambda: files.names(name),
        lambda: files.exists(name),
        lambda: files.place(name),
    )
    for call in calls:
        with pytest.raises(OutsideError):
            call()


def test_a_link_within_the_project_is_read_but_not_written_through(files, root):
    (root / "also").symlink_to("data")
    (root / "other.csv").symlink_to("data/rows.csv")
    assert files.read("also/rows.csv", PAGE) == files.read("other.csv", PAGE) == b"data/rows.csv"
    with pytest.raises(OutsideError, match="also is a link"):
        files.write("also/rows.csv", "new")
    files.write("other.csv", "new")  # the link is replaced
    assert (root / "data/rows.csv").read_text() == "data/rows.csv"
    assert not (root / "other.csv").is_symlink()


def test_no_link_leads_into_what_is_hidden(files, root):
    (root / "page2.md").symlink_to(".git/config")
    (root / "shown").symlink_to(".git")
    assert files.read(".git/config", PAGE) == b".git/config"
    for name in ("page2.md", "shown/config"):
        with pytest.raises(OutsideError, match="leads into a hidden folder"):
            files.read(name, PAGE)


def test_what_is_removed_is_the_link_not_what_it_leads_to(files, root):
    (root / "link").symlink_to(root.parent)
    (root / "data/link.csv").symlink_to(root.parent / "secret")
    for name in ("link", "data/link.csv", "data"):
        files.remove(name)
        assert not files.exists(name)
    assert (root.parent / "secret").read_text() == "secret"
    files.remove("never there")


def test_results_on_another_disk_are_found_and_named_as_the_project_s(files, root, tmp_path):
    (root / "results").rename(tmp_path / "disk")
    (root / "results").symlink_to(tmp_path / "disk")
    assert files.read("results/4-baseline/record.json", PAGE).endswith(b"record.json")
    files.write("results/4-baseline/new.json", "{}")
    real = tmp_path.resolve() / "disk/4-baseline/new.json"
    assert real.read_text() == "{}"
    assert files.name(real) == "results/4-baseline/new.json"
    files.move(real, "results/4-baseline/moved.json")
    assert list(files.walk("results")) == [
        f"results/4-baseline/{name}" for name in ("moved.json", "record.json")
    ]


@pytest.mark.parametrize("other", ["letter.txt", "4-baseline.ipynb", ".ssh", "deep/x"])
def test_a_link_to_other_than_results_is_none_of_results(files, root, tmp_path, other):
    (root / "results").rename(tmp_path / "disk")
    (root / "results").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / other).parent.mkdir(exist_ok=True)
    (tmp_path / "disk" / other).write_text("")
    for call in (lambda: files.names("results"), lambda: files.write("results/a", "")):
        with pytest.raises(OutsideError, match="holds other things; expected a folder of results"):
            call()


def test_a_file_larger_than_its_kind_is_refused_before_it_is_read(files, root):
    with (root / "page.md").open("wb") as file:
        file.truncate(10 * 2**30)
    with pytest.raises(NinefoldError) as error:
        files.read("page.md", PAGE)
    assert str(error.value) == (
        "page.md has 10,240 MiB; a page of text has 1 MiB at most; leave out what nobody will read"
    )


def test_a_file_that_grows_while_it_is_read_ends(root, monkeypatch):
    monkeypatch.setattr(bounded, "must_be_regular", lambda *_: None)
    with pytest.raises(NinefoldError, match="a small file has 0 KiB at most"):
        read_regular("/dev/zero", SMALL)


def test_what_is_named_on_the_command_line_may_be_a_link_or_piped_in(root, tmp_path):
    (tmp_path / "link").symlink_to(root.parent / "secret")
    assert read_given(tmp_path / "link", PAGE) == b"secret"
    reads, writes = os.pipe()
    os.write(writes, b"piped")
    os.close(writes)
    assert read_given(Path(f"/dev/fd/{reads}"), PAGE) == b"piped"
    os.close(reads)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/full", "/proc", "pipe"])
def test_what_is_named_on_the_command_line_is_a_file(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with pytest.raises(NinefoldError, match=r"is (a device|a folder|a pipe); expected"):
        read_given(Path(path), PAGE)


def test_text_may_have_any_line_ends_and_begin_with_a_mark_of_its_order(files, root):
    (root / "page.md").write_bytes(b"\xef\xbb\xbfa\r\nb\rc\n")
    assert files.text("page.md", PAGE) == "a\nb\nc\n"
    (root / "page.md").write_bytes("ü".encode("latin-1"))
    with pytest.raises(NinefoldError, match=r"page\.md is not text .*expected UTF-8"):
        files.text("page.md", PAGE)


def test_what_is_absent_is_told_from_what_cannot_be_read(files, root):
    for name in ("nowhere", "nowhere/x", "page.md/x"):
        with pytest.raises(FileNotFoundError):
            files.read(name, PAGE)
    (root / "loop").symlink_to("loop")
    with pytest.raises(NinefoldError, match="loop cannot be read: Too many levels"):
        files.read("loop", PAGE)


def test_a_half_written_file_is_in_the_scratch_folder_where_there_is_one(files, root, monkeypatch):
    (root / ".ninefold").mkdir()
    seen = []

    def killed(path, target):
        seen.append(path)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        files.write("report/README.md", "new")
    assert seen[0].parent == root / ".ninefold"
    assert list((root / ".ninefold").iterdir()) == []


@pytest.mark.parametrize("store", [".git/annex/objects", ".dvc/cache"])
def test_data_may_lie_in_a_store_that_versions_it(files, root, store):
    (root / store).mkdir(parents=True)
    (root / store / "x").write_text("a,b\n1,2\n")
    (root / "data/linked.csv").symlink_to(root / store / "x")
    assert files.read("data/linked.csv", PAGE) == b"a,b\n1,2\n"
    assert not files.leads_out("data/linked.csv")


def test_what_a_person_names_to_be_written_keeps_what_it_is(tmp_path):
    (tmp_path / "other.csv").write_text("old")
    (tmp_path / "other.csv").chmod(0o640)
    (tmp_path / "link.csv").symlink_to("other.csv")
    write_given(tmp_path / "link.csv", "new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "other.csv").read_text() == "new"
    assert (tmp_path / "other.csv").stat().st_mode & 0o777 == 0o640
    os.mkfifo(tmp_path / "pipe")
    reads = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_given(tmp_path / "pipe", "through it")
    assert os.read(reads, 100) == b"through it"
    os.close(reads)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    write_given(Path(os.devnull), "nothing")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_results_on_a_disk_of_their_own_hold_what_systems_leave_there(files, root, tmp_path):
    disk = tmp_path / "disk"
    for name in ("lost+found", ".Trash-1000", "4-baseline"):
        (disk / name).mkdir(parents=True)
    shutil.rmtree(root / "results")
    (root / "results").symlink_to(disk)
    files.write("results/leaderboard.csv", "a\n")
    assert not files.is_outside("results/leaderboard.csv")
    (disk / "thesis.doc").touch()
    assert files.is_outside("results/leaderboard.csv")
