"""`results/leaderboard.csv`: every evaluation of the study, the best on top.

An evaluation of a grid's point is in it under its section, with the point's name as `point`.
"""

import csv
import io
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.project import Project, Section
from ninefold.records import read_record, write_text

COLUMNS = (
    "name", "section", "metric", "mean", "low", "high", "folds", "repeats", "parameters",
    "fit_seconds", "point",
)  # fmt: skip


def write_leaderboard(project: Project) -> None:
    """Write the table anew from the sections' records; each score is optimistic in so far as it
    is the best of the rows below it."""
    from ninefold.study.metrics import METRICS  # a second, where nothing changed

    rows = []
    for task in project.tasks:
        for name, evaluation in _evaluations(project, task):
            metric = evaluation["metric"]
            found = evaluation | evaluation["summary"][metric]
            place = {"section": task.notebook, "point": task.id.removeprefix(task.notebook)[1:]}
            row = {"name": name, **place, **found}
            rows.append([row[column] for column in COLUMNS])
    if not rows:
        return
    sign = -1 if METRICS[rows[0][COLUMNS.index("metric")]].greater_is_better else 1
    mean = COLUMNS.index("mean")
    # One whose metric is defined in no fold has no mean, and comes last.
    rows.sort(key=lambda row: (row[mean] is None, sign * (row[mean] or 0)))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    write_text(project.results / "leaderboard.csv", text.getvalue())


def _evaluations(project: Project, task: Section) -> list[tuple[str, dict[str, Any]]]:
    """Return what a task evaluated; nothing of a record that cannot be read, which `status` and
    `check` name."""
    try:
        record = read_record(project.results_of(task.id))
    except NinefoldError:
        return []
    return list(record.evaluations.items()) if record else []
