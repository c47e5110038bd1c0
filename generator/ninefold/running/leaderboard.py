"""`results/leaderboard.csv`: every evaluation of the study, the best on top."""

import csv
import io

from ninefold.project import Project
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
        record = read_record(project.results_of(section.id)) if section.is_notebook else None
        for name, evaluation in (record.evaluations if record else {}).items():
            metric = evaluation["metric"]
            found = evaluation | evaluation["summary"][metric]
            row = {"name": name, "section": section.id, **found}
            rows.append([row[column] for column in COLUMNS])
    if not rows:
        return
    metric, mean = METRICS[rows[0][2]], COLUMNS.index("mean")
    rows.sort(key=lambda row: -row[mean] if metric.greater_is_better else row[mean])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    write_text(project.results / "leaderboard.csv", text.getvalue())
