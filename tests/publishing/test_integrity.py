"""What does not add up stands in the report and in `check`; a sound study shows nothing of it."""

import json
import shutil

import pytest
from git_repository import make_repository
from small_study import code

from ninefold.history import (
    HISTORY,
    START,
    append,
    digest_of_file,
    digests_of,
    prepare,
    read_history,
)
from ninefold.history.appending import entry_line
from ninefold.history.entries import digest_of_line
from ninefold.publishing.checks import check_project
from ninefold.publishing.render import render

SPOT, FINAL = "5-experiments/1-spot-check", "7-final-model"
STATED = {"winner": "wide", "difference": 0.02, "confidence": 0.7}
BLOCK = "> [!CAUTION]\n> **This study does not add up:**\n"


def report(study):
    return render(study.project).files["report/README.md"].decode()


def found(study):
    return {(f.code, f.where, f.message) for f in check_project(study.project) if f.code in CODES}


CODES = ("NF207", "NF208", "NF214", "NF217", "NF218", "NF219", "NF220", "NF221", "NF222")


def doubt(study, code, where, message, said=None):
    """Assert that this alone does not add up, in `check` and in the first lines of the report."""
    assert found(study) == {(code, where, message)}
    text = report(study)
    line = said or f"{where.removeprefix('results/').removesuffix('/record.json')}: {message}."
    assert f"{BLOCK}> - {line} ({code})\n\n" in text
    assert text.index(BLOCK) < text.index("**The ") < text.index("**Contents**")
    assert BLOCK in render(study.project).files["README.md"].decode()


@pytest.fixture
def sound(whole):
    """Return a study whose forecast and data stand in the log, too, in this order."""
    (whole.root / HISTORY).unlink()
    append(whole.project.files, "forecast", {"section": SPOT, "stated": "before", **STATED})
    whole.logged()
    split = {"study.seed": "1", "harness.holdout": "0.2"}
    whole.looked(True, False, content="a", split=split)
    return whole


def edit(study, name, old, new):
    path = study.root / name
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def test_a_sound_study_shows_nothing_of_it(sound):
    assert found(sound) == set()
    text = report(sound)
    assert BLOCK not in text
    assert ", looked at once</sub>" in text
    assert (
        "⚙ Log of runs: results/history.jsonl holds 3 runs, 1 forecast, 2 scorings of the "
        "hold-out, 0 other reads of it; the head of its chain is "
        f"{read_history(sound.project.files).head[:16]}. Whoever has an earlier head can tell "
        "whether entries up to it were changed.</sub>"
    ) in text


def test_the_looks_of_an_older_log_are_among_the_scorings(sound):
    (sound.root / HISTORY).unlink()
    sound.write("results/holdout.jsonl", '{"counted": true}\n' * 2)
    prepare(sound.project.files)
    assert "2 scorings of the hold-out" in report(sound)
    assert ", looked at 2 times</sub>" in report(sound)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_clone_with_other_line_ends_is_as_sound(sound, ends):
    for path in [*sound.root.rglob("*.json"), sound.root / HISTORY]:
        path.write_bytes(path.read_bytes().replace(b"\n", ends.encode()))
    assert found(sound) == set()


def test_an_edited_record_shows(sound):
    edit(sound, f"results/{FINAL}/record.json", "0.957", "0.987")
    message = "its record was changed after the run that wrote it"
    doubt(sound, "NF217", f"results/{FINAL}/record.json", message)


def test_edited_predictions_show(sound):
    predictions = sound.write("results/2-data-summary/predictions.parquet", "PAR1 as it was")
    files = sound.project.files
    names = ("record.json", "predictions.parquet")
    digests = {name: digest_of_file(files, f"results/2-data-summary/{name}") for name in names}
    entry = {"section": "2-data-summary", "key": "k", "evaluations": 0, "files": digests}
    append(files, "run", entry)
    assert found(sound) == set()
    message = "changed since its run: predictions.parquet"
    predictions.write_text("PAR1 as it is now")
    doubt(sound, "NF217", "results/2-data-summary/record.json", message)
    predictions.unlink()
    doubt(sound, "NF217", "results/2-data-summary/record.json", message)


@pytest.fixture
def listed(sound):
    """Return a study whose log has all that the runs left."""
    sound.write(f"results/{FINAL}/model/model.json", '{"labels": ["a", "b"]}')
    for section in ("2-data-summary", SPOT, FINAL):
        digests = digests_of(sound.project.files, f"results/{section}")
        entry = {"section": section, "key": "k", "evaluations": 0, "files": digests}
        append(sound.project.files, "run", entry)
    assert found(sound) == set()
    return sound


def test_whatever_else_of_a_run_was_edited_added_or_removed_shows(listed):
    folder = listed.root / "results" / FINAL
    for name in ("figures/2-more.svg", "more/table.csv"):
        listed.write(f"results/{FINAL}/{name}", "x")
    (folder / "model/model.json").write_text('{"labels": ["b", "a"]}')
    path = folder / "notebook.ipynb"
    path.write_text(path.read_text("utf-8").replace("# Final model", "# Final"), "utf-8")
    message = "changed since its run: figures/, model/, more/, notebook.ipynb"
    doubt(listed, "NF217", f"results/{FINAL}/record.json", message)


def test_results_behind_a_link_within_the_project_are_as_sound(listed):
    elsewhere = listed.root / "elsewhere"
    (listed.root / "results" / FINAL).rename(elsewhere)
    (listed.root / "results" / FINAL).symlink_to(elsewhere)
    assert found(listed) == set()


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_what_systems_leave_among_results_and_line_ends_show_nothing(listed, ends):
    for path in [p for end in ("json", "ipynb", "svg") for p in listed.root.rglob(f"*.{end}")]:
        path.write_bytes(path.read_bytes().replace(b"\n", ends.encode()))
    for name in ("figures/.DS_Store", ".ipynb_checkpoints/notebook.ipynb", "failure/failure.json"):
        listed.write(f"results/{SPOT}/{name}", "{}")
    assert "NF217" not in {code for code, *_ in found(listed)}


def test_a_record_of_an_earlier_run_shows(sound):
    record = sound.root / "results/2-data-summary/record.json"
    first = record.read_text()
    record.write_text(first.replace("275", "276"))
    sound.logged("2-data-summary")
    assert found(sound) == set()
    record.write_text(first)
    message = "its record is of an earlier run than the last one in the log"
    doubt(sound, "NF217", "results/2-data-summary/record.json", message)


def test_results_that_are_gone_after_the_look_do_not_undo_it(sound):
    shutil.rmtree(sound.root / f"results/{FINAL}")
    where, message = f"results/{FINAL}/record.json", "the log has results of it, which are gone"
    assert found(sound) == {("NF218", where, message)}
    text = report(sound)
    assert f"- {FINAL}: {message}. (NF218)" in text
    assert "> The hold-out was looked at once, but there is no result of it here.\n" in text
    assert "has not been judged" not in text
    (waits,) = [f for f in check_project(sound.project) if f.where.endswith("7-final-model.ipynb")]
    assert (waits.code, waits.severity, waits.message) == (
        "NF202", "warning",
        "the hold-out was looked at once, but there is no result of it here: ninefold run 7",
    )  # fmt: skip


def test_results_of_a_section_that_is_gone_too_are_not_missed(sound):
    shutil.rmtree(sound.root / "results/2-data-summary")
    (sound.root / "sections/2-data-summary.ipynb").unlink()
    assert found(sound) == set()


def test_a_run_that_was_undone_leaves_the_one_before(sound):
    record = sound.root / "results/2-data-summary/record.json"
    first = record.read_text()
    record.write_text(first.replace("275", "276"))
    sound.logged("2-data-summary")
    record.write_text(first)
    append(sound.project.files, "undone", {"section": "2-data-summary"})
    assert found(sound) == set()


def test_a_deleted_log_shows(sound):
    for path in sound.root.rglob("results/**/record.json"):
        record = json.loads(path.read_text())
        record["run"]["log"] = "0" * 64
        path.write_text(json.dumps(record))
    (sound.root / HISTORY).unlink()
    text = report(sound)
    assert (
        "- The log of runs and looks is missing beside 3 results that it had listed. (NF218)"
        in text
    )
    looks = "its record knows of 1 look, the log of 0"
    assert f"- {FINAL}: {looks}. (NF218)" in text
    assert "looked at" not in text.partition("**Contents**")[0].replace("it had listed", "")
    assert found(sound) == {
        ("NF218", HISTORY, "it is missing beside 3 results that it had listed"),
        ("NF218", f"results/{FINAL}/record.json", looks),
    }


def test_results_that_are_older_than_the_log_show(sound):
    """Or whose log was deleted and named in no record any more, which looks the same."""
    (sound.root / HISTORY).unlink()
    sound.write("results/holdout.jsonl", '{"counted": true}\n')
    said = "results are older than the log, which cannot vouch for them"
    of_forecast = "its first result is older than the log, which cannot tell of the forecast"
    older = {("NF219", f"results/{SPOT}/record.json", of_forecast)}
    assert found(sound) == {("NF218", HISTORY, f"3 {said}"), *older}
    prepare(sound.project.files)
    assert found(sound) == {("NF218", HISTORY, f"3 {said}"), *older}
    assert f"> - 3 {said}. (NF218)" in report(sound)
    assert "It cannot vouch for 3 results from before it was begun." in report(sound)
    sound.logged(SPOT, FINAL)
    assert found(sound) == {("NF218", HISTORY, f"1 {said.replace('s are', ' is')}"), *older}
    sound.logged()
    assert found(sound) == older


def test_a_line_removed_from_the_log_shows(sound):
    path = sound.root / HISTORY
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:1] + lines[2:]))
    trouble = "its chain is broken in 1 place: entries were edited, moved or removed"
    assert ("NF214", HISTORY, trouble) in found(sound)
    assert f"- The log of runs and looks was damaged: {trouble}. (NF214)" in report(sound)
    gone = ("NF218", "results/2-data-summary/record.json", "the log has no run that left it")
    assert gone in found(sound)


def test_a_log_without_its_end_shows(sound):
    path = sound.root / HISTORY
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-3]))
    assert {(code, where) for code, where, _ in found(sound)} == {
        ("NF218", f"results/{FINAL}/record.json")
    }
    text = report(sound)
    assert f"{FINAL}: the log has no run that left it. (NF218)" in text
    assert f"{FINAL}: its record knows of 1 look, the log of 0. (NF218)" in text


def test_an_extra_look_shows(sound):
    sound.looked(content="a")
    doubt(
        sound, "NF207", HISTORY, "it was looked at 2 times",
        "The hold-out was looked at 2 times: its score is no longer that of rows nobody had seen.",
    )  # fmt: skip
    assert ", looked at 2 times</sub>" in report(sound)


def test_another_seed_after_a_look_shows(sound):
    edit(sound, "ninefold.toml", 'author = "A. Person"', 'author = "A. Person"\nseed = 2')
    doubt(
        sound, "NF220", "ninefold.toml", "since the last look: study.seed 1 → 2",
        "The settings hold out other rows than those that were looked at: study.seed 1 → 2.",
    )  # fmt: skip


def test_another_seed_that_was_taken_back_after_a_second_look_shows(sound):
    split = {"study.seed": "2", "harness.holdout": "0.2"}
    sound.looked(False, content="b", split=split)
    sound.looked(False, content="a", split={**split, "study.seed": "1"})
    message = "2 different hold-outs were looked at (study.seed 1 → 2, study.seed 2 → 1)"
    doubt(sound, "NF220", HISTORY, message, f"{message}.")


@pytest.mark.parametrize("kind", ["run", "look"])
def test_another_rule_than_that_of_the_results_shows(sound, kind):
    entry = {"final": {"choose": "any", "rule": "simplest"}, "counted": False}
    files = {"record.json": digest_of_file(sound.project.files, f"results/{SPOT}/record.json")}
    entry |= {"section": SPOT, "key": "k", "evaluations": 2, "files": files}
    append(sound.project.files, kind, entry)
    assert found(sound) == set()
    edit(sound, "ninefold.toml", 'licence = "CC0-1.0"', 'licence = "CC0-1.0"\n[final]\nrule="best"')
    doubt(
        sound, "NF222", "ninefold.toml", "since results were made: final.rule simplest → best",
        "The rule that chooses the final model was another when results were made: final.rule "
        "simplest → best.",
    )  # fmt: skip


def test_another_rule_before_any_score_is_no_doubt(sound):
    files = {"record.json": digest_of_file(sound.project.files, f"results/{SPOT}/record.json")}
    entry = {"section": SPOT, "key": "k", "evaluations": 0, "files": files}
    append(sound.project.files, "run", entry | {"final": {"choose": "any", "rule": "best"}})
    assert found(sound) == set()


def test_another_seed_is_nothing_where_rows_have_a_time(sound):
    text = 'target = "species"\ntime = "day"'
    edit(sound, "ninefold.toml", 'target = "species"', text)
    edit(sound, "ninefold.toml", 'author = "A. Person"', 'author = "A. Person"\nseed = 2')
    assert found(sound) == set()


def test_a_notebook_that_reads_the_holdout_before_the_look_shows(sound):
    append(sound.project.files, "read", {"section": FINAL})
    assert found(sound) == set()
    append(sound.project.files, "read", {"section": "4-baseline"})
    doubt(
        sound, "NF221", HISTORY, "rows of the hold-out were read by 4-baseline",
        "Rows of the hold-out were read before the look, by 4-baseline.",
    )  # fmt: skip


def test_a_forecast_that_follows_its_result_in_the_log_shows(sound):
    (sound.root / HISTORY).unlink()
    entry = {"section": f"{SPOT}@rate=0.1", "evaluations": 2, "time": "2026-01-02"}
    append(sound.project.files, "failed", entry)
    append(sound.project.files, "forecast", {"section": SPOT, "stated": "before", **STATED})
    sound.logged()
    sound.looked()
    message = (
        "its forecast follows its first result: in the log, a result of 2026-01-02 comes first"
    )
    doubt(sound, "NF219", f"results/{SPOT}/record.json", message)


def chain(*entries, start=START):
    """Return the lines of a chain of results and forecasts that follows `start`."""
    lines = []
    for stated in entries:
        kind = "forecast" if "winner" in stated else "failed"
        line = entry_line(kind, {"section": SPOT, "time": "2026-01-01", **stated}, start)
        start = digest_of_line(line)
        lines.append(line)
    return lines


FORECAST, RESULT = {"stated": "before", **STATED}, {"evaluations": 2}
NOT = "its forecast follows its first result: in the log, a result of 2026-01-01 "


@pytest.mark.parametrize(
    ("first", "second", "late"),
    [
        ([FORECAST, RESULT], [{**FORECAST, "winner": "x"}, RESULT], NOT + "does not follow it"),
        ([RESULT], [FORECAST, RESULT], NOT + "comes first"),
        ([FORECAST, RESULT], [{**FORECAST, "time": "2026-01-02"}, RESULT, RESULT], ""),
        ([{**FORECAST, "winner": "x"}, FORECAST, RESULT], [], ""),
    ],
)
def test_a_forecast_precedes_the_results_whose_chain_leads_back_to_it(sound, first, second, late):
    """Two branches that were merged, or one that was inserted before the other."""
    (sound.root / HISTORY).write_bytes(b"".join(chain(*first) + chain(*second)))
    own = {message for code, _, message in found(sound) if code == "NF219"}
    assert own == ({late} if late else set())
    text = report(sound)
    if second:
        first_end, end = (digest_of_line(chain(*each)[-1])[:16] for each in (first, second))
        assert f"the ends of its chain are {end}, {first_end}. 1 entry follows an older" in text


def test_a_forecast_from_before_two_branches_precedes_the_results_of_both(sound):
    base = chain(FORECAST)
    start = digest_of_line(base[0])
    more = [chain({"evaluations": n}, RESULT, start=start) for n in (3, 4)]
    (sound.root / HISTORY).write_bytes(b"".join([*base, *more[0], *more[1]]))
    assert "NF219" not in {code for code, *_ in found(sound)}
    prepare(sound.project.files)
    sound.looked()
    sound.logged()
    assert found(sound) == set()


def test_a_line_that_is_gone_accuses_no_forecast_of_being_late(sound):
    lines = chain(FORECAST, {"stated": "before", **STATED, "winner": "x"}, RESULT)
    for between in (b"half of a line\n", b""):
        (sound.root / HISTORY).write_bytes(lines[0] + between + lines[2])
        codes = {code for code, *_ in found(sound)}
        assert "NF214" in codes
        assert "NF219" not in codes


@pytest.mark.parametrize("kind", ["run", "failed"])
def test_what_was_tried_and_is_here_no_more_is_counted_by_the_log(sound, kind):
    def tried(section, *digests):
        entry = {"section": section, "evaluations": len(digests), "tried": digests}
        if kind == "run":
            entry |= {"key": "k", "files": {}}
        append(sound.project.files, kind, entry)

    tried(f"{SPOT}@rate=1", "a", "b")
    tried("6-improvements/1-gone", "b", "c")
    tried("6-improvements/1-gone", "b", "c")
    tried("2-data-summary", "d")
    line = (
        "Tried in sections 4 to 6: nothing that is still here, and 3 evaluations in earlier runs "
        "whose results are not here. The best of many is lucky, too. The log has results of "
        "sections that are there no more: 6-improvements/1-gone.</sub>"
    )
    assert line in report(sound)


def test_damage_that_was_mended_stays_a_warning_and_in_the_report(sound):
    with (sound.root / HISTORY).open("a") as file:
        file.write("x\n")
    severity = {f.code: f.severity for f in check_project(sound.project)}
    assert severity["NF214"] == "error"
    assert prepare(sound.project.files)
    severity = {f.code: f.severity for f in check_project(sound.project)}
    assert severity["NF214"] == "warning"
    assert "(NF214)" in report(sound)


def test_many_of_a_kind_are_counted(sound):
    for number in range(9):
        sound.ran(f"4-baseline/{number + 1}-x", "# B", code("1"))
    text = report(sound)
    assert text.count("(NF218)") == 6
    assert "- 4 more of these: see 'ninefold check'. (NF218)" in text


@pytest.fixture
def git(sound):
    """Return a function that runs git in the project, as nobody, and gives what it says."""
    if not shutil.which("git"):
        pytest.skip("needs git")
    return make_repository(sound.root)


def commit(git):
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "-m", "x")
    return git("rev-parse", "HEAD")


def state_forecast(study, source):
    study.notebook(SPOT, "# Spot-check\n\n## Results", code(source))
    study.write(f"results/{SPOT}/notebook.ipynb", study.executed)


CALL = "study.forecast(winner='wide', difference=0.02, confidence=0.7)"


def test_a_forecast_that_git_has_after_its_result_shows(sound, git):
    state_forecast(sound, "study.forecast()")
    result = commit(git)
    state_forecast(sound, CALL)
    where = f"results/{SPOT}/record.json"
    message = "its forecast follows its first result: no commit has it, the result came with "
    doubt(sound, "NF219", where, message + result[:10])
    late = commit(git)
    commit(git)
    message = (
        f"its forecast follows its first result: the commit {late[:10]} first holds it, the result "
        f"came with {result[:10]}"
    )
    doubt(sound, "NF219", where, message)
    git("clone", "--quiet", "--depth", "1", f"file://{sound.root}", str(sound.root / "shallow"))
    shutil.rmtree(sound.root / ".git")
    (sound.root / "shallow/.git").rename(sound.root / ".git")
    shutil.rmtree(sound.root / "shallow")
    assert found(sound) == set()  # a history that is not whole tells nothing


def test_a_forecast_that_git_has_with_its_result_or_before_is_sound(sound, git):
    state_forecast(sound, CALL)
    commit(git)
    assert found(sound) == set()
    state_forecast(sound, "study.forecast(winner='other', difference=0.02, confidence=0.7)")
    commit(git)
    assert found(sound) == set()  # the record keeps the first


def test_a_forecast_that_is_no_literal_or_not_in_git_is_not_accused(sound, git):
    state_forecast(sound, "study.forecast(winner=mine, difference=0.02, confidence=0.7)")
    commit(git)
    assert found(sound) == set()


def test_entries_that_git_holds_and_the_log_does_not_show(sound, git):
    commit(git)
    log = sound.root / HISTORY
    short = log.read_bytes()
    sound.looked(content="a")
    sound.logged(FINAL)
    commit(git)
    both = log.read_bytes()
    assert {code for code, *_ in found(sound)} == {"NF207"}
    message = "it lacks 2 entries that git holds, 1 look among them"
    said = "The log of runs and looks lacks 2 entries that git holds, 1 look among them."
    log.write_bytes(short)
    doubt(sound, "NF218", HISTORY, message, said)
    commit(git)
    doubt(sound, "NF218", HISTORY, message, said)
    log.write_bytes(short + b'{"kind": "look", "schema": 2}\n')
    commit(git)
    log.write_bytes(both.replace(b"\n", b"\r\n"))
    assert ("NF218", HISTORY, "it lacks 1 entry that git holds, 0 looks among them") in found(sound)
    git("reset", "--quiet", "HEAD~1")
    assert {code for code, *_ in found(sound)} == {"NF207"}


def test_what_was_mended_or_merged_is_not_missing_from_the_log(sound, git):
    sound.write(".gitattributes", "results/history.jsonl merge=union\n")
    commit(git)
    with (sound.root / HISTORY).open("a") as file:
        file.write('{"half of": "a li')
    commit(git)
    prepare(sound.project.files)
    commit(git)
    git("checkout", "--quiet", "-b", "other")
    sound.logged(FINAL)
    commit(git)
    git("checkout", "--quiet", "main")
    sound.logged(FINAL)
    commit(git)
    git("merge", "--quiet", "other")
    assert "NF218" not in {code for code, *_ in found(sound)}


PROGRAMS = (
    *("core.fsmonitor", "core.sshCommand", "core.pager", "pager.rev-list", "gpg.program"),
    *("core.askPass", "diff.external", "uploadpack.packObjectsHook"),
    *("diff.own.command", "diff.own.textconv"),
)


def test_git_starts_none_of_a_strangers_programs(sound, git, tmp_path):
    state_forecast(sound, "study.forecast()")
    commit(git)
    state_forecast(sound, CALL)
    commit(git)
    sound.write(".gitattributes", "*.jsonl diff=own\n")
    canary = tmp_path.parent / f"{tmp_path.name}-started"
    program = sound.write(".git/program", f"#!/bin/sh\ntouch '{canary}'\n")
    program.chmod(0o755)
    for name in PROGRAMS:
        git("config", name, str(program))
    git("config", "log.showSignature", "true")
    git("config", "extensions.partialClone", "origin")
    git("config", "remote.origin.url", f"ext::{program}")
    git("config", "remote.origin.promisor", "true")
    git("config", "protocol.ext.allow", "always")
    for hook in ("post-index-change", "reference-transaction", "pre-auto-gc"):
        shutil.copy(program, sound.root / ".git/hooks" / hook)
    assert "NF219" in {code for code, *_ in found(sound)}
    for blob in (sound.root / ".git/objects").glob("??/*"):  # some are missing, and not fetched
        blob.unlink()
    check_project(sound.project)
    assert not canary.exists()
