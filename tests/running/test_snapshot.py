"""A project's files as a value: what travels, in pieces, and how it is put back."""

import os

import pytest
from tiny_project import SETTINGS

from ninefold.errors import NinefoldError
from ninefold.project import Project
from ninefold.running.cluster import snapshot
from ninefold.running.cluster.snapshot import (
    ChangedError,
    File,
    Pieces,
    Store,
    inside,
    read_files,
    write_files,
)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "study"
    for name, text in {
        "ninefold.toml": SETTINGS,
        "data/rows.csv": "a\n1\n",
        "results/4-baseline/record.json": "{}",
        "a folder/ünïcode {x}.txt": "",
        ".git/HEAD": "ref",
        ".ninefold/lock": "1",
        "report/README.md": "# Report",
        "penguins/report/kept.txt": "not the project's report",
        "penguins/__pycache__/models.pyc": "x",
        "environment/pyvenv.cfg": "home = /usr",
        "environment/lib/site.py": "x",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def send(files, store):
    manifest = files.manifest()
    sent = store.lacking(manifest)
    for digest in sent:
        store.keep(files.piece(digest))
    return manifest, sent


def test_what_a_notebook_may_read_arrives_as_it_was(root, tmp_path):
    (root / "tool.sh").write_text("#!/bin/sh")
    (root / "tool.sh").chmod(0o755)
    store = Store(tmp_path / "store")
    manifest, _ = send(Pieces(Project(root)), store)
    assert {name for name, file in manifest.items() if file} == {
        *("a folder/ünïcode {x}.txt", "data/rows.csv", "ninefold.toml"),
        *("penguins/report/kept.txt", "results/4-baseline/record.json", "tool.sh"),
    }
    there = tmp_path / "there"
    store.unpack(manifest, there)
    assert read_files(there) == {
        name: (root / name).read_bytes() for name, file in manifest.items() if file
    }
    assert [os.access(there / name, os.X_OK) for name in ("tool.sh", "data/rows.csv")] == [1, 0]


def test_folders_whose_content_stays_are_there_and_empty(root, tmp_path):
    """A notebook may list a folder, or write into one."""
    (root / "drawings").mkdir()
    store = Store(tmp_path / "store")
    manifest, _ = send(Pieces(Project(root)), store)
    there = tmp_path / "there"
    store.unpack(manifest, there)
    assert {path.name for path in there.iterdir()} == {path.name for path in root.iterdir()}
    for name in ("drawings", "environment", "report", ".git", "penguins/__pycache__"):
        assert list((there / name).iterdir()) == []


def test_only_pieces_that_changed_travel(root, tmp_path, monkeypatch):
    monkeypatch.setattr(snapshot, "PIECE", 4)
    (root / "data/rows.csv").write_bytes(b"aaaabbbbcc")
    files, store = Pieces(Project(root)), Store(tmp_path / "store")
    manifest, _ = send(files, store)
    assert len(manifest["data/rows.csv"].pieces) == 3
    assert send(files, store)[1] == []
    (root / "data/rows.csv").write_bytes(b"aaaaXXXXccc")
    manifest, sent = send(files, store)
    assert len(sent) == 2
    store.unpack(manifest, tmp_path / "there")
    assert (tmp_path / "there/data/rows.csv").read_bytes() == b"aaaaXXXXccc"


def test_links_are_followed_in_the_project_and_never_in_circles(root, tmp_path):
    (root / "data/linked.csv").symlink_to("rows.csv")
    (root / "data/nowhere.csv").symlink_to(tmp_path / "nowhere")
    (root / "data/self").symlink_to(root, target_is_directory=True)
    (root / "also").symlink_to(root / "data", target_is_directory=True)
    store = Store(tmp_path / "store")
    manifest, _ = send(Pieces(Project(root)), store)
    assert {name for name in manifest if name.startswith(("data/", "also/"))} == {
        *("data/linked.csv", "data/rows.csv", "also/linked.csv", "also/rows.csv")
    }
    store.unpack(manifest, tmp_path / "there")
    assert not (tmp_path / "there/data/linked.csv").is_symlink()
    assert (tmp_path / "there/data/linked.csv").read_text() == "a\n1\n"


def test_of_links_out_of_the_project_only_the_dataset_travels(root, tmp_path):
    for name in ("elsewhere/rows.csv", "elsewhere/secret.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("far away")
    (root / "data/all.csv").symlink_to(tmp_path / "elsewhere/rows.csv")
    (root / "data/notes.txt").symlink_to(tmp_path / "elsewhere/secret.txt")
    (root / "elsewhere").symlink_to(tmp_path / "elsewhere")
    settings = SETTINGS.replace("builtin:iris", "./data/all.csv")
    (root / "ninefold.toml").write_text(settings)
    pieces = Pieces(Project(root))
    manifest = pieces.manifest()
    assert {name for name in manifest if name.startswith(("data/", "elsewhere"))} == {
        *("data/rows.csv", "data/all.csv")
    }
    assert pieces.left_out == ("data/notes.txt", "elsewhere")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_what_is_no_file_stays(root):
    os.mkfifo(root / "data/pipe.csv")
    assert "data/pipe.csv" not in Pieces(Project(root)).manifest()


def test_a_file_that_changes_while_it_is_sent_is_named(root):
    files = Pieces(Project(root))
    (digest,) = files.manifest()["data/rows.csv"].pieces
    (root / "data/rows.csv").write_text("b\n2\n")
    with pytest.raises(ChangedError, match=r"data/rows\.csv"):
        files.piece(digest)
    (digest,) = files.manifest()["data/rows.csv"].pieces
    assert files.piece(digest) == b"b\n2\n"


def test_a_damaged_piece_is_not_unpacked(root, tmp_path):
    store = Store(tmp_path / "store")
    manifest, _ = send(Pieces(Project(root)), store)
    (digest,) = manifest["data/rows.csv"].pieces
    (store.folder / digest).write_bytes(b"a\n9\n")
    with pytest.raises(NinefoldError, match="damaged"):
        store.unpack(manifest, tmp_path / "there")
    assert store.lacking(manifest) == [digest]


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "a/../../out", "", ".", "a/.."])
def test_nothing_is_written_outside_of_the_folder(tmp_path, name):
    with pytest.raises(NinefoldError, match="no path inside"):
        inside(tmp_path / "there", name)
    with pytest.raises(NinefoldError):
        write_files(tmp_path / "there", {name: b""})
    with pytest.raises(NinefoldError):
        Store(tmp_path / "store").unpack({name: File((), False)}, tmp_path / "there")
    assert [path.name for path in tmp_path.rglob("*")] == ["store"]


def test_a_project_too_large_to_send_is_refused_and_its_largest_files_named(root, monkeypatch):
    monkeypatch.setattr(snapshot, "_MOST", 1000)
    (root / "data/huge.bin").write_bytes(bytes(2000))
    with pytest.raises(NinefoldError, match=r"too large .* the largest files are data/huge\.bin"):
        Pieces(Project(root)).manifest()
