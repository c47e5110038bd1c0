"""The computed lines at the end of a report: what was tried, on which data, by which log.

They are of all records together, so that no single place is their source.
"""

from collections.abc import Mapping

from ninefold.history import HISTORY, History
from ninefold.project import Project
from ninefold.publishing.blocks import Fact
from ninefold.publishing.calibration import calibrate, score_forecasts
from ninefold.publishing.placed import older_results
from ninefold.publishing.tries import count_gone, count_tries, spell_tries
from ninefold.records import Record


def provenance_facts(
    project: Project, records: Mapping[str, Record], history: History
) -> list[Fact]:
    """Return those lines, as far as there is anything to say."""
    return [*_tries(project, records, history), *_data(records), *_log(history, records)]


def calibration_facts(records: Mapping[str, Record]) -> list[Fact]:
    """Return the line about all forecasts of the study; none where there is no forecast yet."""
    found = calibrate(score_forecasts(records).values())
    if found is None:
        return []
    text = (
        "Of {forecasts}, stated at {stated} on average, {came_true:integer} named the variant that "
        "had the best mean; Brier score {brier:score} (0 is perfect, always saying 50 % gives "
        "0.25)."
    )
    values = {
        "forecasts": _many(found.count, "forecast"), "stated": f"{100 * found.stated:.0f} %",
        "came_true": found.came_true, "brier": found.brier,
    }  # fmt: skip
    return [Fact(text, values, "")]


def _tries(project: Project, records: Mapping[str, Record], history: History) -> list[Fact]:
    tries, earlier = count_tries(records), count_gone(records, history)
    gone = _gone(project, history)
    if not (tries["total"] or earlier or gone):
        return []
    values = {"tries": spell_tries(tries) or "nothing that is still here"}
    text = "Tried in sections 4 to 6: {tries}"
    if earlier:
        values["earlier"] = _many(earlier, "evaluation")
        text += ", and {earlier} in earlier runs whose results are not here"
    text += ". The best of many is lucky, too."
    if gone:
        values["gone"] = ", ".join(gone[:_MOST]) + (", …" if gone[_MOST:] else "")
        text += " The log has results of sections that are there no more: {gone}."
    return [Fact(text, values, "")]


def _gone(project: Project, history: History) -> list[str]:
    """Return the sections that have evaluated something by the log, and are there no more."""
    there = {section.id for section in project.sections}
    entries = [entry for entry in history.of("run", "failed") if entry["evaluations"]]
    return sorted({entry["section"].partition("@")[0] for entry in entries} - there)


_MOST = 5  # sections that one line names


def _data(records: Mapping[str, Record]) -> list[Fact]:
    read = {(d["source"], d["sha256"]): None for r in records.values() if (d := r.run.get("data"))}
    text = "Data that were read: {source}, SHA-256 {sha256}."
    return [Fact(text, {"source": source, "sha256": digest}, "") for source, digest in read]


def _log(history: History, records: Mapping[str, Record]) -> list[Fact]:
    if not history.links:
        return []
    numbers = {
        "run": len(history.of("run")), "forecast": len(history.of("forecast")),
        "scoring of the hold-out": len(history.looks), "other read of it": len(history.of("read")),
    }  # fmt: skip
    values = {
        "file": HISTORY, "counts": ", ".join(_many(count, name) for name, count in numbers.items()),
        "head": ", ".join(end[:16] for end in history.ends),
    }  # fmt: skip
    ends = "the ends of its chain are" if len(history.ends) > 1 else "the head of its chain is"
    text = f"Log of runs: {{file}} holds {{counts}}; {ends} {{head}}. "
    if history.forks:
        follow = "1 entry follows" if history.forks == 1 else f"{history.forks:,} entries follow"
        values["forks"] = f"{follow} an older one than the line before"
        text += "{forks}: branches were merged, or lines inserted. "
    if older := len(older_results(history, records)):
        values["older"] = _many(older, "result")
        text += "It cannot vouch for {older} from before it was begun. "
    text += "Whoever has an earlier head can tell whether entries up to it were changed."
    return [Fact(text, values, "")]


def _many(count: int, name: str) -> str:
    """Return a count with its noun, whose first word takes the plural."""
    first, space, rest = name.removeprefix("other ").partition(" ")
    other = "other " if name.startswith("other ") else ""
    return f"{count:,} {other}{first}{'' if count == 1 else 's'}{space}{rest}"
