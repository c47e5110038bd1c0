"""Section 2: the development rows, column by column and against the target."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ninefold.study import ideas as _ideas
from ninefold.study import relations as _relations
from ninefold.study import summary
from ninefold.study.metrics import METRICS
from ninefold.study.shows.dependence import dependence

if TYPE_CHECKING:
    from ninefold.study.notebook import Study

_MOST_PICTURES = 12
_MOST_LABELS = 12  # of a correlation matrix that is still readable on a phone


def overview(study: "Study") -> None:
    """How many rows and inputs there are, what is asked, what was left out and why, and whether
    rows depend on one another."""
    split, record = study.split, study.recorder
    data = split.development
    found = summary.overview(data)
    record.value(**found)
    record.fact(
        "{all_rows:integer} rows were read from {source}, {without_target:integer} of them without "
        "a target; {holdout_rows:integer} are held out and not looked at here, "
        "{development_rows:integer} remain.",
        all_rows=split.rows, without_target=split.without_target, source=study.settings.data.source,
        holdout_rows=len(split.holdout), development_rows=len(data),
    )  # fmt: skip
    record.fact(
        "{inputs:integer} inputs, {numbers:integer} of them numbers and {categories:integer} "
        "categories, are to predict {target}: a {problem} problem.",
        **{key: found[key] for key in ("inputs", "numbers", "categories", "target", "problem")},
    )
    for note in split.notes:
        record.fact("{sentence}", kind="idea", sentence=note)
    for note in data.notes:
        record.fact("{sentence}", kind="note", sentence=note)
    dependence(study)


def first_rows(study: "Study") -> None:
    """The first rows as they were read; for images, pictures of them."""
    data, record = study.development(), study.recorder
    record.table("first-rows", summary.first_rows(data))
    if study.settings.data.source == "builtin:digits":
        pixels = data.frame.drop(columns=data.target).to_numpy(dtype=float)
        record.figure(
            "images",
            "images",
            {
                "images": pixels[:_MOST_PICTURES].reshape(-1, 8, 8),
                "labels": [data.classes[code] for code in data.y[:_MOST_PICTURES]],
            },
            alt="The first rows drawn as pictures, each with its label.",
            caption="Each row is a picture; its inputs are the grey values of the pixels.",
        )


def columns(study: "Study") -> None:
    """The role, gaps and range of each column."""
    study.recorder.table("columns", summary.column_table(study.development()))


def missing_values(study: "Study") -> None:
    """Where values are missing, by class."""
    data, record = study.development(), study.recorder
    found = summary.overview(data)
    if not found["rows_with_missing"]:
        record.fact("No value is missing.")
        return
    rows = found["rows_with_missing"]
    record.fact(
        f"{{rows_with_missing:integer}} {'row has' if rows == 1 else 'rows have'} missing values: "
        "{missing_share:percent} of all values.",
        rows_with_missing=rows, missing_share=found["missing_share"],
    )  # fmt: skip
    record.table("missing-values", summary.missing_by_class(data))


def identical_rows(study: "Study") -> None:
    """How many rows repeat others."""
    found = summary.duplicates(study.development())
    if not found["repeats"]:
        study.recorder.fact("No row repeats another.")
        return
    study.recorder.fact(
        "Rows whose inputs repeat an earlier one's: {repeats:integer}. Rows whose inputs also "
        "occur with another target: {conflicting:integer}.",
        repeats=found["repeats"], conflicting=found["conflicting"],
    )  # fmt: skip


def target(study: "Study") -> None:
    """The classes by size, or how the target is distributed."""
    data, record = study.development(), study.recorder
    record.table("target", summary.class_balance(data))
    if data.classes:
        counts = np.bincount(data.y, minlength=len(data.classes))
        drawing: str = "bars"
        picture: dict[str, Any] = {"labels": data.classes, "values": counts, "x_label": "rows"}
    else:
        drawing = "distributions"
        picture = {"panels": [summary.target_panel(data)], "y_label": "rows"}
    record.figure(
        "target",
        drawing,
        picture,
        alt=f"How many development rows there are of each value of {data.target}.",
        caption=f"The target, {data.target}.",
    )


def distributions(study: "Study") -> None:
    """The distribution of each input, by class."""
    data = study.development()
    panels = summary.distributions(data)
    _figure(
        study, "distributions", {"panels": panels, "y_label": "rows"}, panels,
        "Distributions of the inputs on the development rows",
    )  # fmt: skip


def relations(study: "Study") -> None:
    """The inputs ranked by what each alone tells of the target, and the first of them drawn."""
    data = study.development()
    study.recorder.table("relations", _relations.relations(data))
    panels = _relations.relation_panels(data)
    _figure(
        study, "relations", {"target": data.target, "panels": panels}, panels,
        "The most informative inputs, by target",
    )  # fmt: skip


def correlation(study: "Study") -> None:
    """How the inputs that are numbers go together."""
    found = _relations.correlation(study.development(), most=_MOST_LABELS)
    if len(found["labels"]) < 2:
        study.recorder.fact("Fewer than two inputs are numbers: there is no correlation to show.")
        return
    study.recorder.figure(
        "correlation",
        "correlation",
        found,
        alt=f"Correlation matrix of {', '.join(found['labels'])}.",
        caption="Pearson's correlation of the inputs that are numbers.",
    )


def suspected_leaks(study: "Study") -> None:
    """Inputs that alone predict the target almost perfectly."""
    found = _relations.suspected_leaks(study.development(), study.seed)
    if not found:
        study.recorder.fact("No single input predicts the target almost perfectly.")
    for leak in found:
        study.recorder.alarm(
            "{column} alone predicts the target almost perfectly ({metric} {score:score}): does it "
            "give the answer away? If so, list it under `drop`.",
            column=leak["column"], score=leak["score"],
            metric=METRICS[leak["metric"]].label,
        )  # fmt: skip


def ideas(study: "Study") -> None:
    """What the rows themselves suggest for preparation and modelling."""
    found = _ideas.suggestions(study.development())
    for idea in found:
        study.recorder.fact(idea["text"], kind="idea", **idea["values"])
    if not found:
        study.recorder.fact(
            "Nothing stands out: no strong skew, no rare class, few gaps, no two inputs correlated "
            "above 0.95."
        )


def _figure(
    study: "Study", name: str, data: dict[str, Any], panels: list[dict], caption: str
) -> None:
    titles = ", ".join(str(panel["title"]) for panel in panels)
    study.recorder.figure(name, name, data, alt=f"{caption}: {titles}.", caption=f"{caption}.")
