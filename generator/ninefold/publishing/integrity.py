"""What does not add up in a study: results, log, forecasts and hold-out, each against the others.

Who can write the files can forge them all; what is found here is what was not forged with care.
Nothing is executed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from ninefold.errors import NinefoldError
from ninefold.history import HISTORY, History, digests_of
from ninefold.history.digests import LISTED
from ninefold.history.entries import parse_entry
from ninefold.project import Project
from ninefold.publishing.blocks import record_file
from ninefold.publishing.commits import committed_lines
from ninefold.publishing.late_forecasts import late_forecasts
from ninefold.publishing.placed import Placed, older_results, placed_by
from ninefold.records import RECORD_FILE, Record
from ninefold.settings import holdout_settings
from ninefold.study.since_look import changed_since, keys_of

_FINAL = "7-final-model"


@dataclass(frozen=True)
class Doubt:
    """Something that does not add up; `sentence` is how the report says it."""

    code: str
    severity: Literal["error", "warning"]
    where: str
    message: str
    sentence: str


def find_doubts(project: Project, records: dict[str, Record], history: History) -> list[Doubt]:
    """Return what does not add up, the gravest first."""
    return [
        *_log(history, records),
        *_removed(project, history),
        *_older(history, records),
        *_results(project, records, history),
        *_looks(history, records),
        *_holdout(project, history),
        *_rule(project, history),
        *(Doubt("NF219", "warning", *late) for late in late_forecasts(project, records, history)),
    ]


def _log(history: History, records: dict[str, Record]) -> Iterator[Doubt]:
    listed = [name for name, record in records.items() if "log" in record.run]
    if listed and not history.is_there and not history.broken:
        known = f"{len(listed)} result{'s' if len(listed) > 1 else ''}"
        yield Doubt(
            "NF218", "error", HISTORY, f"it is missing beside {known} that it had listed",
            f"The log of runs and looks is missing beside {known} that it had listed.",
        )  # fmt: skip
    if history.trouble:
        severity: Literal["error", "warning"] = "error" if history.broken else "warning"
        sentence = f"The log of runs and looks was damaged: {history.trouble}."
        yield Doubt("NF214", severity, HISTORY, history.trouble, sentence)


def _removed(project: Project, history: History) -> Iterator[Doubt]:
    """Compare the log with what git holds of it, but for lines that could never be read."""
    present = {link.line for link in history.links}
    gone = [kind for line in committed_lines(project.root, HISTORY) - present
            if (kind := _kind_of(line))]  # fmt: skip
    looks = gone.count("look")
    if gone:
        entries = "1 entry" if len(gone) == 1 else f"{len(gone)} entries"
        message = f"it lacks {entries} that git holds, {_times(looks, 'look')} among them"
        sentence = f"The log of runs and looks {message.removeprefix('it ')}."
        yield Doubt("NF218", "error", HISTORY, message, sentence)


def _kind_of(line: bytes) -> str:
    try:
        entry = parse_entry(line)
    except NinefoldError:
        return "of a newer version"
    return entry["kind"] if entry else ""


def _older(history: History, records: dict[str, Record]) -> Iterator[Doubt]:
    """Say what an older version left, or whoever deleted the log and made it look so."""
    if older := older_results(history, records):
        is_older = "is older than the log" if len(older) == 1 else "are older than the log"
        message = f"{_times(len(older), 'result')} {is_older}, which cannot vouch for them"
        yield Doubt("NF218", "warning", HISTORY, message, f"{message}.")


def _results(project: Project, records: dict[str, Record], history: History) -> Iterator[Doubt]:
    if not history.is_there:
        return
    placed = placed_by(history)
    whole = not (history.damaged or history.breaks or history.mended or history.lost)
    for section, record in records.items():
        where = record_file(section)
        if section not in placed.last:
            message = "the log has no run that left it"
            yield Doubt("NF218", "error", where, message, f"{section}: {message}.")
        elif message := _changed(project, section, placed):
            yield Doubt("NF217", "error", where, message, f"{section}: {message}.")
        elif whole and not history.knows(record.run.get("log", history.head)):
            message = "the log is not the one that its run was logged in"
            yield Doubt("NF218", "error", where, message, f"{section}: {message}.")
    yield from _gone(project, placed)


def _gone(project: Project, placed: Placed) -> Iterator[Doubt]:
    """What the log has results of and the project has not, though it has the section."""
    for task in project.tasks:
        where = record_file(task.id)
        if task.id in placed.last and not project.files.exists(where):
            message = "the log has results of it, which are gone"
            yield Doubt("NF218", "warning", where, message, f"{task.id}: {message}.")


def _changed(project: Project, section: str, placed: Placed) -> str:
    """Say in which way results are not those of the last run; "" where they are."""
    found = digests_of(project.files, f"results/{section}")
    record = found.get(RECORD_FILE, "")
    fitting = [dict(run) for run in placed.last[section] if (RECORD_FILE, record) in run]
    if not fitting:
        if record in placed.ever[section]:
            return "its record is of an earlier run than the last one in the log"
        return "its record was changed after the run that wrote it"
    names = {name for run in fitting for name in run}
    names |= found.keys() if names - set(LISTED) else set()  # else an older version logged it
    changed = [n for n in sorted(names) if found.get(n) not in {run.get(n) for run in fitting}]
    return f"changed since its run: {_few(changed)}" if changed else ""


def _looks(history: History, records: dict[str, Record]) -> Iterator[Doubt]:
    stated = records[_FINAL].values.get("looks") if _FINAL in records else None
    if isinstance(stated, int) and stated > history.count:
        message = f"its record knows of {_times(stated, 'look')}, the log of {history.count}"
        yield Doubt("NF218", "error", record_file(_FINAL), message, f"{_FINAL}: {message}.")
    if history.count > 1:
        yield Doubt(
            "NF207", "warning", HISTORY, f"it was looked at {history.count} times",
            f"The hold-out was looked at {history.count} times: its score is no longer that of "
            "rows nobody had seen.",
        )  # fmt: skip
    if changed := changed_since(history, keys_of(records)):
        names = _few(changed)
        yield Doubt(
            "NF208", "warning", HISTORY, f"changed since the first look: {names}",
            f"Changed since the hold-out was first looked at: {names}.",
        )  # fmt: skip
    early = sorted({e["section"] for e in history.of("read") if not e["section"].startswith("7-")})
    if early:
        yield Doubt(
            "NF221", "warning", HISTORY, f"rows of the hold-out were read by {_few(early)}",
            f"Rows of the hold-out were read before the look, by {_few(early)}.",
        )  # fmt: skip


def _holdout(project: Project, history: History) -> Iterator[Doubt]:
    """Compare the rows that were looked at with those that the settings hold out now."""
    looks = [look for look in history.looks if "split" in look]
    contents = {look["content"] for look in history.looks if look.get("content")}
    now = holdout_settings(project.settings)
    changed = _differences(looks[-1]["split"], now) if looks else []
    if changed:
        named = ", ".join(changed)
        yield Doubt(
            "NF220", "warning", "ninefold.toml", f"since the last look: {named}",
            f"The settings hold out other rows than those that were looked at: {named}.",
        )  # fmt: skip
    if len(contents) > 1:
        pairs = pairwise(looks)
        ways = [way for old, new in pairs for way in _differences(old["split"], new["split"])]
        why = f" ({_few(list(dict.fromkeys(ways)))})" if ways else ""
        message = f"{len(contents)} different hold-outs were looked at{why}"
        yield Doubt("NF220", "warning", HISTORY, message, f"{message[0].upper()}{message[1:]}.")


def _rule(project: Project, history: History) -> Iterator[Doubt]:
    """Compare the rule that chooses the final model with those under which results were made."""
    now = project.settings.final.model_dump()
    seen = [*(run for run in history.of("run") if run["evaluations"]), *history.looks]
    known = [entry.get("final", {}) for entry in seen]
    ways = [f"final.{way}" for then in known for way in _differences(then, now)]
    if ways:
        named = _few(list(dict.fromkeys(ways)))
        yield Doubt(
            "NF222", "warning", "ninefold.toml", f"since results were made: {named}",
            f"The rule that chooses the final model was another when results were made: {named}.",
        )  # fmt: skip


def _differences(then: dict[str, Any], now: dict[str, str]) -> list[str]:
    names = sorted(then.keys() & now.keys())
    return [f"{n} {then[n][:60]} → {now[n][:60]}" for n in names if then[n] != now[n]]


def _few(names: list[str]) -> str:
    more = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {more} more" if more > 0 else "")


_MOST = 5  # that one sentence names


def _times(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"
