"""`results/leaderboard.csv`: every evaluation of the study, the best on top.

An evaluation of a grid's point is in it under its section, with the point's values as JSON in the
column `point`: {"batch_size": 16}. Those by the metric that decides now come first, then those of
results that are from before it was chosen: scores in different metrics have no common order.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ninefold.bounded import TABLE
from ninefold.errors import NinefoldError
from ninefold.project import Project, Section
from ninefold.records import Record
from ninefold.settings import spell

_FILE = "results/leaderboard.csv"
COLUMNS = (
    "name", "section", "metric", "mean", "low", "high", "folds", "repeats", "parameters",
    "fit_seconds", "point",
)  # fmt: skip


def write_leaderboard(project: Project) -> None:
    """Write the table anew from the sections' records, where that changes it; each score is
    optimistic in so far as it is the best of the rows below it."""
    from ninefold.study.metrics import METRICS  # a second, where nothing changed

    records = _records(project)
    present = present_metric(project, records)
    rows = [
        {"name": name, **_place(task)} | evaluation | evaluation["summary"][evaluation["metric"]]
        for task in project.tasks
        if task.id in records
        for name, evaluation in records[task.id].evaluations.items()
    ]

    def rank(row: dict[str, Any]) -> tuple:
        metric, mean = row["metric"], row["mean"]
        sign = -1 if METRICS[metric].greater_is_better else 1
        # One whose metric is defined in no fold has no mean, and comes last.
        return (metric != present, metric, mean is None, sign * (mean or 0))

    table = [[row[column] for column in COLUMNS] for row in sorted(rows, key=rank)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *table])
    if (rows or project.files.exists(_FILE)) and _read(project) != text.getvalue():
        project.files.write(_FILE, text.getvalue())


def lists_others(project: Project) -> bool:
    """Return whether the table has rows of sections or points that are there no more."""
    rows = csv.DictReader(io.StringIO(_read(project)))
    try:
        listed = {(row.get("section"), row.get("point")) for row in rows}
    except csv.Error:  # it is none of ours
        return True
    return not listed <= {tuple(_place(task).values()) for task in project.tasks}


def present_metric(project: Project, records: Mapping[str, Record]) -> str:
    """Return the name of the metric that decides now; "" where nothing has been evaluated.

    Where the settings leave it to the data, it is the one that most evaluations made under these
    settings have, else most of all: to look at the data would take longer than all else here.
    """
    setting = project.settings.study.metric
    if setting != "auto":
        return setting
    under = [r for r in records.values() if _metric_setting(r) == spell(setting)]
    for several in (under, records.values()):
        found = Counter(e["metric"] for r in several for e in r.evaluations.values())
        if found:
            return found.most_common(1)[0][0]
    return ""


def _metric_setting(record: Record) -> str | None:
    return record.key.get("settings", {}).get("study.metric")


def _place(task: Section) -> dict[str, str]:
    values = json.dumps(dict(task.point), ensure_ascii=False, sort_keys=True)
    return {"section": task.notebook, "point": values if task.point else ""}


def _records(project: Project) -> dict[str, Record]:
    """Return the tasks' records but those that cannot be read, which `status` and `check` name."""
    found = {}
    for task in project.tasks:
        try:
            record = project.record(task.id)
        except NinefoldError:
            continue
        if record:
            found[task.id] = record
    return found


def _read(project: Project) -> str:
    """Return the table as it is; nothing of one that cannot be read, which is written anew."""
    try:
        return project.files.read(_FILE, TABLE).decode("utf-8", errors="replace")
    except (FileNotFoundError, NinefoldError):
        return ""
