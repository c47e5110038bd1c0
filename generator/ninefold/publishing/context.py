"""The names that expressions know, each with the place where its value was computed.

study.*                                  settings of the study and its data
data_summary.*, test_harness.*, …        `values` of that section's record
experiments.NAME.*, improvements.NAME.*  the same, of the sections inside 5 and 6
best.*                                   final_model.best
run.*                                    fits, seconds, versions, machine, seed; commit, or which
                                         of several ran what, and changes since; data.sha256; fits
                                         and seconds summed
forecasts.*                              count, stated, came_true (had the best mean), brier
tries.*                                  what was tried in sections 4 to 6, by family: how many
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.project import SETTINGS_FILE, Project
from ninefold.publishing.blocks import below, label_of, record_file
from ninefold.publishing.calibration import calibrate, score_forecasts
from ninefold.publishing.tries import count_tries
from ninefold.records import Record
from ninefold.settings import Settings
from ninefold.suggestions import did_you_mean

Names = tuple[str, ...]


@dataclass(frozen=True)
class Context:
    """Values by name; where those below a name come from; the names whose section has not run."""

    values: dict[str, Any]
    sources: dict[Names, str] = field(default_factory=dict)
    pending: frozenset[Names] = frozenset()

    def is_pending(self, names: Names) -> bool:
        return any(names[: len(prefix)] == prefix for prefix in self.pending)

    def find(self, names: Names) -> tuple[Any, str]:
        """Return the value of a dotted name and its source. Raises NinefoldError."""
        value: Any = self.values
        for depth, name in enumerate(names):
            known = value if isinstance(value, dict) else {}
            if name not in known:
                prefix = ".".join(names[:depth])
                told = did_you_mean(name, [str(key) for key in known])
                inside = f" in '{prefix}'" if prefix else ""
                raise NinefoldError(f"'{'.'.join(names)}' names nothing: no '{name}'{inside}", told)
            value = known[name]
        return value, self._source(names)

    def _source(self, names: Names) -> str:
        for length in range(len(names), 0, -1):
            if names[:length] in self.sources:
                return below(self.sources[names[:length]], *names[length:])
        return ""


def read_records(project: Project) -> dict[str, Record]:
    """Return the records of all notebooks, and points of their grids, that have one. Raises
    NinefoldError."""
    found = {task.id: project.record(task.id) for task in project.tasks}
    return {section: record for section, record in found.items() if record is not None}


def build_context(project: Project, records: dict[str, Record]) -> Context:
    """Return the names of this project, given the records of its sections."""
    values: dict[str, Any] = {}
    sources: dict[Names, str] = {}
    pending: set[Names] = set()
    for table, keys in (("study", _STUDY), ("data", _DATA)):
        values.setdefault("study", {}).update(_settings_values(project.settings, table, keys))
        sources.update({("study", key): f"{SETTINGS_FILE}#/{table}/{key}" for key in keys})
    for section in project.sections:
        if not section.is_notebook:
            continue
        if section.id not in records:
            pending.add(section.names)
            continue
        _insert(values, section.names, records[section.id].values)
        sources[section.names] = f"{record_file(section.id)}#/values"
    _name_the_best(values, sources, pending)
    if records:
        _add_run(values, sources, project.settings, records)
        values["tries"], sources["tries",] = count_tries(records), "results#/tries"
        if found := calibrate(score_forecasts(records).values()):
            values["forecasts"], sources["forecasts",] = asdict(found), "results#/forecasts"
        else:
            pending.add(("forecasts",))
    elif pending:
        pending |= {("run",), ("tries",), ("forecasts",)}
    return Context(values, sources, frozenset(pending))


_STUDY = ("title", "package", "author", "problem", "metric", "seed")
_DATA = ("source", "target", "origin", "licence", "group", "time")


def _settings_values(settings: Settings, table: str, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: getattr(getattr(settings, table), key) for key in keys}


def _insert(values: dict[str, Any], names: Names, value: dict[str, Any]) -> None:
    for name in names[:-1]:
        values = values.setdefault(name, {})
    values[names[-1]] = value


def _name_the_best(values: dict[str, Any], sources: dict[Names, str], pending: set[Names]) -> None:
    final = ("final_model",)
    if final in pending:
        pending.add(("best",))
    elif "best" in values.get("final_model", {}):
        values["best"] = values["final_model"]["best"]
        sources["best",] = f"{sources[final]}/best"


def _add_run(
    values: dict[str, Any],
    sources: dict[Names, str],
    settings: Settings,
    records: dict[str, Record],
) -> None:
    """Sum what the runs took, and name all commits; of all else take the last section's that has
    it.

    A sum has no one place: its source is "results#/run/fits", all records together. So do several
    commits.
    """
    run: dict[str, Any] = {
        "fits": sum(record.fits for record in records.values()),
        "seconds": sum(record.run.get("seconds", 0) for record in records.values()),
        "seed": settings.study.seed,
        "versions": {},
        "machine": None,
        "commit": _commits(records),
        "changes": max((r.run.get("changes") for r in records.values()), key=_how_bad),
        "data": {"source": settings.data.source, "sha256": None},
    }
    sources |= {("run",): "results#/run", ("run", "seed"): f"{SETTINGS_FILE}#/study/seed"}
    for section, record in records.items():
        address = f"{record_file(section)}#/run"
        found: dict[str, Any] = dict(record.run)
        for name in ("machine", "data"):
            if name in found:
                run[name], sources["run", name] = found[name], f"{address}/{name}"
        for name in ("commit", "changes"):
            if found.get(name) == run[name]:
                sources["run", name] = f"{address}/{name}"
        for package, version in record.run.get("versions", {}).items():
            name = package.replace("-", "_")
            run["versions"][name] = version
            sources["run", "versions", name] = below(f"{address}/versions", package)
    values["run"] = run


def _commits(records: dict[str, Record]) -> str:
    """Return the commit that all sections ran at; of several, which ran which sections."""
    ran: dict[str, dict[str, None]] = {}
    for section, record in records.items():
        labels = ran.setdefault(record.run.get("commit", ""), {})
        labels[label_of(section.partition("@")[0])] = None
    if len(ran) == 1:
        return next(iter(ran)) or "not under version control"
    named = (f"{commit[:10] or 'none'} ({', '.join(labels)})" for commit, labels in ran.items())
    return f"several: {', '.join(named)}"


def _how_bad(changes: str | None) -> int:
    return {None: 0, "none": 1, "unknown": 2}.get(changes, 3)
