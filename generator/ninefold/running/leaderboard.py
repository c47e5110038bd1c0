"""`results/leaderboard.csv`: every evaluation of the study, the best on top."""

import csv
import io
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.project import Project, Section
from ninefold.records import read_record, write_text
from ninefold.study.metrics import METRICS

COLUMNS = (
    "name", "section", "metric", "mean", "low", "high", "folds", "repeats", "parameters",
    "fit_seconds",
)  # fmt: skip


def write_leaderboard(project: Project) -> None:
    """Write the table anew from the sections' records; each score is optimistic in so far as it
    is the best of the rows below it."""
    rows = []
    for section in project.sections:
        for name, evaluation in _evaluations(project, section):
            metric = evaluation["metric"]
            found = evaluation | evaluation["summary"][metric]
            row = {"name": name, "section": section.id, **found}
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


def _evaluations(project: Project, section: Section) -> list[tuple[str, dict[str, Any]]]:
    """Return what a section evaluated; nothing of a record that cannot be read, which `status` and
    `check` name."""
    try:
        record = read_record(project.results_of(section.id)) if section.is_notebook else None
    except NinefoldError:
        return []
    return list(record.evaluations.items()) if record else []
