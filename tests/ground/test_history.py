"""The log: no entry of it is lost, none forgotten for being damaged, none changed unseen."""

import errno
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import pytest
from git_repository import make_repository
from hypothesis import given
from hypothesis import strategies as st

from ninefold import bounded
from ninefold.errors import NinefoldError
from ninefold.files import Files
from ninefold.history import (
    HISTORY,
    START,
    append,
    digest_of_file,
    must_grow,
    prepare,
    read_history,
)
from ninefold.history.appending import entry_line, head_of
from ninefold.records import Record, write_record

ROOT = Path(__file__).parents[2]
LOOK = {"counted": True, "configuration": "a", "content": "b", "score": 0.5, "keys": {"5-x": "c"}}
OLD = "results/holdout.jsonl"


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def look(files, **changes):
    append(files, "look", {**LOOK, **changes})


def lines_of(files):
    return (files.root / HISTORY).read_bytes().splitlines()


def rewrite(files, *lines):
    files.write(HISTORY, b"".join(line + b"\n" for line in lines))


def test_a_log_that_is_not_there_holds_no_look_and_is_not_made_for_nothing(files):
    assert (read_history(files).count, read_history(files).broken) == (0, False)
    assert prepare(files) == ""
    assert not files.exists(HISTORY)


def test_each_entry_holds_the_digest_of_the_line_before_it(files):
    for counted in (True, False, True):
        look(files, counted=counted)
    lines = lines_of(files)
    digests = [sha256(line).hexdigest() for line in lines]
    assert [json.loads(line)["previous"] for line in lines] == [START, *digests[:-1]]
    found = read_history(files)
    assert (found.head, head_of(files)) == (digests[-1], digests[-1])
    assert (found.count, found.damaged, found.trouble, found.broken) == (2, 0, "", False)
    assert found.looks[0].items() >= LOOK.items()
    assert prepare(files) == ""
    assert lines_of(files) == lines


def test_a_line_longer_than_what_is_read_at_once_is_followed(files):
    look(files, keys={f"5-experiments/{number}": "x" * 60 for number in range(2000)})
    look(files)
    look(files)
    assert read_history(files).trouble == ""


def _append_some(root):
    for _ in range(20):
        append(Files(root), "read", {"section": "2-x"})


def test_entries_of_several_processes_and_threads_follow_one_another(files, tmp_path):
    context = get_context("spawn")
    processes = [context.Process(target=_append_some, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(_append_some, [tmp_path] * 4))
    for process in processes:
        process.join()
    found = read_history(files)
    assert (len(found.links), found.trouble, found.heads) == (120, "", ())


def test_line_ends_that_git_changed_break_nothing(files):
    look(files)
    look(files)
    path = files.root / HISTORY
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    look(files)
    assert (read_history(files).count, read_history(files).trouble) == (3, "")
    for ends in ("\n", "\r\n"):
        files.write("results/a/record.json", f"{{{ends}}}{ends}")
        assert digest_of_file(files, "results/a/record.json") == sha256(b"{\n}\n").hexdigest()
    long = b"\r" * (2**20 - 1) + b"\r\n\r"  # across what is read at once
    files.write("results/a/notebook.ipynb", long)
    expected = sha256(long.replace(b"\r\n", b"\n")).hexdigest()
    assert digest_of_file(files, "results/a/notebook.ipynb") == expected
    files.write("results/a/predictions.parquet", b"\r\n")
    assert digest_of_file(files, "results/a/predictions.parquet") == sha256(b"\r\n").hexdigest()


BROKEN = "its chain is broken in 1 place: entries were edited, moved or removed"


@pytest.mark.parametrize("how", ["edited", "removed", "first removed", "moved"])
def test_what_was_edited_removed_or_moved_breaks_the_chain_and_stays_said(files, how):
    for number in range(4):
        append(files, "read", {"section": f"{number}-x"})
    a, b, c, d = lines_of(files)
    changed = {
        "edited": (a, b.replace(b"1-x", b"9-x"), c, d),
        "removed": (a, c, d),
        "first removed": (b, c, d),
        "moved": (a, c, b, d),
    }[how]
    rewrite(files, *changed)
    found = read_history(files)
    assert (found.trouble, found.broken) == (BROKEN, True)
    assert prepare(files).startswith(f"the log of runs and looks was damaged: {BROKEN}; it is kept")
    assert lines_of(files)[:-1] == list(changed)  # nothing is hashed anew
    found = read_history(files)
    assert (found.trouble, found.broken) == (BROKEN, False)
    assert prepare(files) == ""
    rewrite(files, *lines_of(files)[1:])  # mended once is not mended for ever
    assert read_history(files).broken


@given(st.data())
def test_no_line_but_the_last_can_be_changed_unseen(tmp_path_factory, data):
    files = Files(tmp_path_factory.mktemp("log"))
    count = data.draw(st.integers(2, 5))
    for number in range(count):
        append(files, "read", {"section": f"{number}-x", "time": "t"})
    lines = lines_of(files)
    at = data.draw(st.integers(0, count - 2))
    place = data.draw(st.integers(0, len(lines[at]) - 1))
    byte = data.draw(st.integers(32, 126).filter(lambda b: b != lines[at][place]))
    lines[at] = lines[at][:place] + bytes([byte]) + lines[at][place + 1 :]
    rewrite(files, *lines)
    with suppress(NinefoldError):  # a newer version's, by that byte
        assert read_history(files).broken


def test_what_is_inserted_before_the_head_is_another_end_of_the_chain(files):
    for number in range(3):
        append(files, "read", {"section": f"{number}-x"})
    lines, head = lines_of(files), read_history(files).head
    first = entry_line("read", {"section": "8-x"}, START).rstrip()
    second = entry_line("read", {"section": "9-x"}, sha256(first).hexdigest()).rstrip()
    rewrite(files, first, second, *lines)
    found = read_history(files)
    assert (found.ends, found.forks) == ((head, sha256(second).hexdigest()), 1)
    parents = [link.parents for link in found.links]
    assert parents == [(), (found.links[0].digest,), (), *parents[3:]]


def entry(**changes):
    return json.dumps({"kind": "look", "counted": True, "previous": START, "schema": 1} | changes)


DAMAGED = [
    *("3", "{}", "[]", '{"counted": true}', "half of a li", "\0", "[" * 100_000),
    *(entry(previous="x"), entry(counted=1), entry(keys=[]), entry(score=float("nan"))),
    *(entry(kind="nothing"), entry(kind=["look"]), entry(schema="2"), entry(schema=0)),
    *(entry(kind="mended", damaged=-5), entry(kind="run", section="a"), entry(schema=True)),
]


@pytest.mark.parametrize("line", DAMAGED)
def test_a_line_that_cannot_be_read_counts_as_a_look(files, line):
    look(files)
    files.write(HISTORY, lines_of(files)[0] + b"\n" + line.encode() + b"\n")
    found = read_history(files)
    assert (found.count, found.damaged, found.broken, len(found.looks)) == (2, 1, True, 1)


def test_more_than_an_entry_of_its_kind_has_is_nothing(files):
    files.write(HISTORY, entry(heads=[[1]], lost=[[2]], breaks=3, instead={}) + "\n")
    found = read_history(files)
    assert (found.count, found.trouble, found.broken) == (1, "", False)


def test_a_log_of_a_newer_version_is_one_clear_line(files):
    files.write(HISTORY, json.dumps({"schema": 2, "kind": "x"}) + "\n")
    for call in (read_history, prepare):
        with pytest.raises(NinefoldError, match=r"entries of version 2; this ninefold reads 1"):
            call(files)


def test_a_damaged_log_is_kept_said_and_goes_on_with_all_that_it_counted(files, tmp_path):
    look(files)
    with (tmp_path / HISTORY).open("a") as file:
        file.write("half of a li")
    look(files, counted=False)  # on a line of its own
    before = (tmp_path / HISTORY).read_bytes()
    assert prepare(files) == (
        "the log of runs and looks was damaged: 1 line cannot be read and counts as a look; it is "
        "kept as results/history-damaged-1.jsonl, and what could be read of it goes on"
    )
    assert (tmp_path / "results/history-damaged-1.jsonl").read_bytes() == before
    found = read_history(files)
    assert (found.count, found.damaged, found.broken, len(found.looks)) == (2, 1, False, 2)
    assert prepare(files) == ""
    with (tmp_path / HISTORY).open("a") as file:
        file.write("y\nz\n")
    assert read_history(files).count == 4
    assert "results/history-damaged-2.jsonl" in prepare(files)
    look(files)
    assert (read_history(files).count, read_history(files).broken) == (5, False)


UNKNOWN = "so that nobody knows how often the hold-out was looked at"


@pytest.mark.parametrize("log", [HISTORY, OLD])
@pytest.mark.parametrize("what", ["a folder", "a link out of the project"])
def test_what_is_no_log_in_its_place_is_put_aside_and_its_looks_are_unknown(
    files, tmp_path, what, log
):
    path = tmp_path / log
    path.parent.mkdir()
    if what == "a folder":
        path.mkdir()
    else:
        (tmp_path.parent / "elsewhere.jsonl").write_text("x")
        path.symlink_to(tmp_path.parent / "elsewhere.jsonl")
    trouble = f"there was {what} in place of {log}, {UNKNOWN}"
    assert read_history(files).trouble == trouble
    said = prepare(files)
    assert (trouble in said, "history-damaged-1" in said) == (log == HISTORY, log == HISTORY)
    look(files)
    found = read_history(files)
    assert (found.trouble, found.count, found.broken) == (trouble, 1, False)
    assert (tmp_path / HISTORY).is_file()
    assert not (tmp_path / HISTORY).is_symlink()
    assert prepare(files) == ""


def test_a_log_of_other_bytes_counts_as_a_look(files, tmp_path):
    files.write(HISTORY, b"\xff\xfe\n")
    assert read_history(files).count == 1
    assert prepare(files)
    assert (read_history(files).count, read_history(files).broken) == (1, False)


@pytest.mark.parametrize("log", [HISTORY, OLD])
@pytest.mark.parametrize("why", ["Permission denied", "Input/output error", "100 MiB"])
def test_a_log_that_cannot_be_read_now_is_an_error_that_touches_nothing(
    files, tmp_path, monkeypatch, log, why
):
    files.write(log, f"{old_look()}\n")

    def refuse(path, *_):
        if why == "100 MiB":
            raise NinefoldError(f"{log} has 100 MiB")
        number = errno.EACCES if why == "Permission denied" else errno.EIO
        with bounded.reading(log):
            raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr("ninefold.files.read_regular", refuse)
    for call in (read_history, prepare):
        with pytest.raises(NinefoldError, match=why):
            call(files)
    assert [path.name for path in (tmp_path / "results").iterdir()] == [Path(log).name]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may do all")
def test_a_log_that_nobody_may_read_is_an_error(files, tmp_path):
    look(files)
    (tmp_path / HISTORY).chmod(0)
    with pytest.raises(NinefoldError, match="cannot be read: Permission denied"):
        prepare(files)


def test_whether_the_log_can_grow_is_known_before_it_has_to(files, tmp_path):
    must_grow(files)
    assert not files.exists(HISTORY)
    look(files)
    must_grow(files)
    (tmp_path / HISTORY).rename(tmp_path / "log.jsonl")
    (tmp_path / HISTORY).symlink_to(tmp_path / "log.jsonl")
    assert read_history(files).count == 1
    with pytest.raises(NinefoldError, match=r"history.jsonl is no file; expected a log"):
        must_grow(files)


def test_the_head_is_that_of_the_last_line_that_is_whole_and_needs_no_writing(files, tmp_path):
    look(files)
    with (tmp_path / HISTORY).open("a") as file:
        file.write('{"half": ')  # by another process
    (tmp_path / HISTORY).chmod(0o444)
    assert head_of(files) == sha256(lines_of(files)[0]).hexdigest()


def test_a_run_that_was_stopped_while_it_mended_the_log_forgets_nothing(files, tmp_path):
    look(files)
    with (tmp_path / HISTORY).open("a") as file:
        file.write("half\n")
    (tmp_path / HISTORY).rename(tmp_path / "results/history-damaged-1.jsonl")
    assert (read_history(files).count, read_history(files).broken) == (2, True)
    assert prepare(files)
    assert (read_history(files).count, read_history(files).broken) == (2, False)


def test_an_entry_that_could_not_be_written_whole_leaves_nothing(files, monkeypatch):
    look(files)
    before = (files.root / HISTORY).read_bytes()
    monkeypatch.setattr("ninefold.history.appending.entry_line", lambda *_: _NoSpace(b"half"))
    with pytest.raises(NinefoldError, match=r"history.jsonl cannot be written: No space"):
        look(files)
    assert (files.root / HISTORY).read_bytes() == before


class _NoSpace(bytes):
    def __radd__(self, other):
        raise OSError(28, "No space left on device")


def old_look(counted=True):
    return json.dumps({**LOOK, "counted": counted})


def test_the_looks_of_an_older_log_count_and_are_taken_over_with_its_digest(files):
    files.write(OLD, f"{old_look()}\nhalf\n{old_look(counted=False)}\n<<<<<<< HEAD\n")
    assert (read_history(files).count, read_history(files).broken) == (2, False)
    content = files.root.joinpath(OLD).read_bytes()
    assert prepare(files) == ""
    (entry,) = read_history(files).of("taken")
    assert (entry["source"], entry["sha256"]) == (OLD, sha256(content).hexdigest())
    assert (read_history(files).count, len(read_history(files).looks)) == (2, 2)
    assert (files.root / OLD).read_bytes() == content
    look(files)
    assert read_history(files).count == 3


def leave_record(files, section, **run):
    write_record(files.make_folder(f"results/{section}"), Record(section=section, run=run))


def test_records_that_an_older_version_left_are_taken_over(files):
    leave_record(files, "4-baseline")
    leave_record(files, "5-experiments/1-spot-check@rate=0.1")
    assert prepare(files) == ""
    (entry,) = read_history(files).of("taken")
    name = "results/4-baseline/record.json"
    assert entry["records"]["4-baseline"] == digest_of_file(files, name)
    assert len(entry["records"]) == 2
    assert (entry["source"], read_history(files).trouble) == ("", "")


def test_a_log_that_was_deleted_beside_its_results_stays_known_to_have_been(files):
    leave_record(files, "4-baseline", log=START)
    assert prepare(files) == (
        "the log of runs knows nothing of results that are there: 4-baseline; the report says so"
    )
    look(files)
    assert read_history(files).trouble == "it knew nothing of results that 1 section already had"
    assert not read_history(files).broken
    assert prepare(files) == ""


@pytest.fixture
def git(tmp_path):
    return make_repository(tmp_path)


def merge_two_branches(files, git, before):
    """Log a look on each of two branches, that have `before` in common, and merge them; tell
    whether that made no conflict."""
    (files.root / "any").touch()
    for each in before:
        append(files, "look", each)
    git("add", "--all")
    git("commit", "--quiet", "-m", "both")
    for branch, start in (("mine", "main"), ("theirs", "main")):
        git("checkout", "--quiet", "-b", branch, start)
        look(files, configuration=branch)
        git("add", "--all")
        git("commit", "--quiet", "-m", branch)
    try:
        git("merge", "--quiet", "mine")
    except subprocess.CalledProcessError:
        return False
    return True


@pytest.mark.parametrize("before", [[], [LOOK]])
def test_a_merge_keeps_the_entries_of_both_branches_of_a_generated_project(files, git, before):
    attributes = ROOT / "template/{{cookiecutter.slug}}/.gitattributes"
    files.write(".gitattributes", attributes.read_bytes())
    assert merge_two_branches(files, git, before)
    found = read_history(files)
    assert {look["configuration"] for look in found.looks[len(before) :]} == {"mine", "theirs"}
    assert (found.count, found.trouble, found.broken) == (2 + len(before), "", False)
    assert (len(found.heads), found.ends, found.forks) == (1, (found.head, *found.heads), 1)
    assert prepare(files) == ""
    found = read_history(files)
    assert (found.count, found.trouble, found.ends) == (2 + len(before), "", (found.head,))
    assert found.forks == 1  # which stays
    lines = lines_of(files)
    for end in (-2, -3):  # the ends of both branches are part of the chain by now
        rewrite(files, *lines[:end], *lines[end + 1 :])
        assert read_history(files).broken


@pytest.mark.parametrize("style", ["merge", "diff3"])
def test_the_looks_of_both_sides_of_a_conflict_count_and_are_kept(files, git, style):
    git("config", "merge.conflictStyle", style)
    assert not merge_two_branches(files, git, [LOOK])
    assert "<<<<<<<" in (files.root / HISTORY).read_text()
    found = read_history(files)
    assert (found.count, found.damaged, found.broken) == (3, 0, True)
    conflict = "git left a conflict in it, and the looks of both sides count"
    assert found.trouble == conflict
    assert conflict in prepare(files)
    assert read_history(files).looks == found.looks
    assert (read_history(files).trouble, read_history(files).broken) == ("", False)
