"""Which results the log says were put in place last, on each branch that was merged into it; and
which are older than the log."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ninefold.history import History
from ninefold.records import RECORD_FILE, Record

Digests = frozenset[tuple[str, str]]  # file's name → digest, as pairs


@dataclass
class Placed:
    """By the log: the files of a section's last run, one set for each branch; and the digests of
    all the records that it ever had."""

    last: dict[str, set[Digests]] = field(default_factory=dict)
    ever: dict[str, set[str]] = field(default_factory=dict)


def placed_by(history: History) -> Placed:
    """Return what the log says of all sections' results."""
    branches: list[dict[str, list[set[Digests]]]] = [{}]
    ever: dict[str, set[str]] = {}
    for link in history.links:
        entry = link.entry
        if link.forks:
            branches.append({})
        if entry["kind"] == "mended":
            branches = [_joined(branches)]
        for section, files in _results(entry).items():
            branches[-1].setdefault(section, []).append({frozenset(files.items())})
            ever.setdefault(section, set()).add(files.get(RECORD_FILE, ""))
        if entry["kind"] == "undone" and branches[-1].get(entry["section"]):
            branches[-1][entry["section"]].pop()
    last = {section: runs[-1] for section, runs in _joined(branches).items() if runs}
    return Placed(last, ever)


def older_results(history: History, records: Mapping[str, Record]) -> list[str]:
    """Return the sections whose results say that a version left them which kept no log."""
    if not history.is_there:
        return [name for name, record in records.items() if "log" not in record.run]
    taken = {section for entry in history.of("taken") for section in entry["records"]}
    runs = Counter(entry["section"] for entry in history.of("run"))
    runs.subtract(entry["section"] for entry in history.of("undone"))
    return [section for section in records if section in taken and runs[section] <= 0]


def _results(entry: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """Return section → digests of its files, of the results that an entry puts in place."""
    match entry:
        case {"kind": "run", "section": str(section), "files": dict(files)}:
            return {section: files}
        case {"kind": "taken", "records": dict(records)}:
            return {section: {RECORD_FILE: digest} for section, digest in records.items()}
    return {}


def _joined(branches: list[dict[str, list[set[Digests]]]]) -> dict[str, list[set[Digests]]]:
    """Return one branch whose results may be those of any: the first, with the others put in."""
    first, *others = branches
    for branch in others:
        for section, runs in branch.items():
            tops = [*first.get(section, [])[-1:], *runs[-1:]]
            first[section] = [set().union(*tops)]
    return first
