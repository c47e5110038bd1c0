"""The table of a section's grid: the best evaluation of each point and of the section's own run.

It is in one metric; a run whose results are from before that metric was chosen has no score in it.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.project import Project, Section
from ninefold.publishing.blocks import Block, Note, Table, pointer, record_file
from ninefold.record_entries import EvaluationEntry
from ninefold.records import Record
from ninefold.running.declarations import declared_parameters
from ninefold.running.failures import Failure, read_failure
from ninefold.running.leaderboard import present_metric
from ninefold.running.notebooks import read_notebook
from ninefold.running.staleness.keys import Keys, outdated
from ninefold.study.metrics import METRICS
from ninefold.study.variants import skill

_MOST_ROWS = 20  # of points; all are in results/leaderboard.csv
_MOST_FAILURES = 5
_LONGEST_LINE = 120  # characters of an exception's message in a table's cell

# Text that no reader takes for a number, a flag, a list or nothing at all.
_WORDS = re.compile(
    r"(?!(?:true|false|null|none|nan|inf|infinity)$)[^\W\d_][\w.+/-]*(?: [\w.+/-]+)*", re.I
)


@dataclass(frozen=True)
class Grid:
    """What the report shows of a section's grid; what of it does not hold, counted in words."""

    blocks: tuple[Block, ...] = ()
    failed: str = ""
    outdated: str = ""


@dataclass(frozen=True)
class _Run:
    """A point, or the section itself: its values of the grid's names and its best evaluation."""

    values: tuple[Any, ...]  # as `_spelled` has them; None: not known
    task: Section
    record: Record | None
    best: tuple[str, EvaluationEntry] | None  # and its name
    failure: Failure | None
    cause: str  # why its results are out of date

    @property
    def mean(self) -> float | None:
        return self.best[1]["summary"][self.best[1]["metric"]]["mean"] if self.best else None

    @property
    def remark(self) -> str:
        own = "" if self.task.point else "the section's own run"
        return "; ".join(part for part in (own, self._state()) if part)

    def _state(self) -> str:
        if self.failure:
            said = _said(self.failure)
            return f"{said} (these numbers: the run before)" if self.record else said
        if self.record is None:
            return "not run yet"
        if self.best is None and _scored(self.record) and not self.cause:
            return "scored in another metric"
        return f"out of date: {self.cause}" if self.cause else ""


def grid_of(keys: Keys, section: Section, records: dict[str, Record]) -> Grid:
    """Return the table of a section's grid and what is wrong in it; nothing without a grid."""
    project = keys.project
    tasks = project.points(section)
    if not tasks:
        return Grid()
    names = [name for name, _ in tasks[0].point]
    metric = _metric(project, (section, *tasks), records)
    points = [_run(keys, point, records, metric) for point in tasks]
    runs = sorted([_own(keys, section, names, records, metric), *points], key=_rank)
    blocks: list[Block] = [_table(names, runs, metric)]
    failed = [run for run in points if run.failure]
    if failed:
        blocks.append(_failures(failed, len(points), section))
    stale = sum(bool(run.cause) for run in points if not run.failure)
    return Grid(
        tuple(blocks),
        f"{_counted(len(failed), 'point')} failed" if failed else "",
        f"{_counted(stale, 'point')} out of date" if stale else "",
    )


def _metric(project: Project, tasks: Iterable[Section], records: dict[str, Record]) -> str:
    """Return the metric that decides now or, where no run has a score in it, that most have."""
    runs = [records[task.id] for task in tasks if task.id in records]
    found = Counter(metric for run in runs for metric in _scored(run).values())
    present = present_metric(project, records)
    return present if present in found else next((name for name, _ in found.most_common(1)), "")


def _run(keys: Keys, task: Section, records: dict[str, Record], metric: str) -> _Run:
    record = records.get(task.id)
    cause = outdated(keys, task, record) if record else None
    values = tuple(_spelled(value) for _, value in task.point)
    failure = read_failure(keys.project, task.id)
    return _Run(values, task, record, _best(record, metric), failure, cause or "")


def _own(
    keys: Keys, section: Section, names: list[str], records: dict[str, Record], metric: str
) -> _Run:
    """Return the section's own run; its values are those given in ninefold.toml, or defaults."""
    run = _run(keys, section, records, metric)
    given = keys.project.settings.sections[section.id].parameters
    try:
        declared = declared_parameters(read_notebook(keys.project.files, section.path))
    except NinefoldError:
        declared = {}
    known = {name: one.default for name, one in declared.items() if one.default is not ...}
    own = {name: _spelled(value) for name, value in {**known, **given}.items()}
    return replace(run, values=tuple(map(own.get, names)))


def _spelled(value: Any) -> Any:
    """Return a value so that a table shows it like no other: numbers and plain words as they are,
    all else as JSON."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _WORDS.fullmatch(value):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except TypeError:  # a default that JSON has not, as a set
        return repr(value)


def _scored(record: Record) -> dict[str, str]:
    """Return the metric that decided of each evaluation that has a mean of it, by name."""
    deciding = {name: evaluation["metric"] for name, evaluation in record.evaluations.items()}
    return {
        name: metric
        for name, metric in deciding.items()
        if metric in METRICS and record.evaluations[name]["summary"][metric]["mean"] is not None
    }


def _best(record: Record | None, metric: str) -> tuple[str, EvaluationEntry] | None:
    """Return the evaluation with the best mean of those that `metric` decided."""
    if record is None:
        return None
    scored = [
        (name, record.evaluations[name]) for name, by in _scored(record).items() if by == metric
    ]
    return max(scored, key=lambda item: skill(item[1], metric), default=None)


def _rank(run: _Run) -> tuple[bool, float]:
    """Sort the best to the top, what has no score to the end."""
    return (run.best is None, -skill(run.best[1], run.best[1]["metric"]) if run.best else 0)


def _table(names: list[str], runs: list[_Run], metric: str) -> Table:
    failed = [run for run in runs if run.failure][:_MOST_FAILURES]
    shown = [run for run in runs if run in runs[:_MOST_ROWS] + failed or not run.task.point]
    columns = [(name, "text") for name in names]
    if metric:
        label = METRICS[metric].label
        columns += [("best of the run", "text"), (label, "score"), ("95 % interval", "interval")]
    columns.append(("", "text"))
    return Table(
        _caption(runs, len(shown), metric),
        tuple({"name": label, "label": label, "format": form} for label, form in columns),
        tuple((*run.values, *(_numbers(run) if metric else ()), run.remark) for run in shown),
        source="results#/evaluations",
        sources=tuple(map(_source, shown)),
    )


def _numbers(run: _Run) -> tuple[Any, ...]:
    if run.best is None:
        return (None, None, None)
    name, evaluation = run.best
    return (name, run.mean, evaluation["summary"][evaluation["metric"]])


def _source(run: _Run) -> str:
    if run.record is None:
        return ""
    keys = ("evaluations", run.best[0]) if run.best else ()
    return pointer(record_file(run.task.id), *keys)


def _caption(runs: list[_Run], shown: int, metric: str) -> str:
    points = [run for run in runs if run.task.point]
    tried = sum(run.record is not None for run in points)
    scored = [_scored(run.record) for run in runs if run.record]
    evaluated = sum(by == metric for found in scored for by in found.values())
    said = f"The grid of this section: {_counted(len(points), 'point')}"
    said += "" if tried == len(points) else f", {tried:,} of them run"
    said += " beside the section's own run, the best on top."
    if evaluated > 1:
        said += (
            f" Of each run the best evaluation is shown; of {evaluated:,} in all, the best is "
            "selected and therefore optimistic."
        )
    if shown < len(runs):
        said += f" {len(runs) - shown:,} more are in results/leaderboard.csv."
    return said


def _failures(failed: list[_Run], points: int, section: Section) -> Note:
    folder = section.id.rpartition("/")[0]
    return Note(
        "{failed:integer} of {points} failed: the table says where and of what. What they did is "
        "kept in {folder}, in the folders of their names.",
        {
            "failed": len(failed),
            "points": _counted(points, "point"),
            "folder": f"results/{folder}".rstrip("/"),
        },
        tone="caution",
    )


def _said(failure: Failure) -> str:
    """Return where and of what a run failed, on one short line."""
    line = failure.message_lines[0]
    short = line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…"
    return f"failed{failure.where}: {short}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
