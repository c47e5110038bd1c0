"""Sections 5 and 6: each variant against the control, and what a forecast is set beside."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from ninefold.study.comparison import compare
from ninefold.study.evaluation import Evaluation
from ninefold.study.metrics import METRICS
from ninefold.study.shows.results import (
    as_dict,
    better_side,
    label_of,
    ranked,
    without_interval,
)
from ninefold.study.tables import make_table
from ninefold.suggestions import did_you_mean

if TYPE_CHECKING:
    from ninefold.study.notebook import Study


def differences(study: "Study", control: str, only: str = "", most: int | None = None) -> None:
    """Each variant against the control on the same folds: difference, interval and p that hold for
    all variants at once, what would have been found, and a verdict.

    only  variants whose names begin so; most: the best so many (the family stays whole)
    """
    family = {k: e for k, e in study.evaluations.items() if k == control or k.startswith(only)}
    compared, no_test = compare(family, control=control), without_interval(family)
    best = list(ranked({k: family[k] for k in compared["variant"]}, study.metric))[:most]
    shown = compared.set_index("variant").loc[best].reset_index()
    study.recorder.fact(
        "The control ({control}) has {control_score:pm} {metric_label}; variants compared with "
        "it: {comparisons:integer}{how}.",
        control=control, control_score=as_dict(family[control].interval()),
        metric_label=label_of(study.metric), comparisons=len(compared),
        how=f", {no_test}" if no_test else "",
    )  # fmt: skip
    if not no_test and len(compared):
        study.recorder.fact(
            "'Practically equal' needs P equal ≥ 95 %. 'Better' and 'worse' need p < 0.05 after "
            "correction for {corrected_for}; the interval leaves out 0 exactly then. Otherwise "
            "'undecided'.",
            corrected_for=f"{len(compared)} comparison{'' if len(compared) == 1 else 's'}",
        )  # fmt: skip
    if len(shown) < len(compared):
        study.recorder.fact("The best {shown:integer} of them are shown.", shown=len(shown))
    _table(study, control, shown, no_test)
    _figure(study, control, shown, no_test)
    _outcome(study, family, control, compared)


def _table(study: "Study", control: str, shown: pd.DataFrame, no_test: str) -> None:
    rows = [
        [
            row.variant, row.mean, row.difference, {"low": row.low, "high": row.high}, row.p,
            row.equal, row.detectable, {"low": row.rows_low, "high": row.rows_high}, row.verdict,
        ]
        for row in shown.itertuples()
    ]  # fmt: skip
    columns = [
        ("variant", "text"), (label_of(study.metric), "score"), ("difference", "signed"),
        ("95 % interval", "interval"), ("p", "p"), ("P equal", "percent"),
        ("would be found", "score"), ("for these training sets", "interval"), ("verdict", "text"),
    ]  # fmt: skip
    caption = f"Differences from '{control}', paired by fold.{'' if no_test else _COLUMNS}"
    study.recorder.table("differences", make_table(caption, columns, rows))


def _figure(study: "Study", control: str, shown: pd.DataFrame, no_test: str) -> None:
    study.recorder.figure(
        "differences",
        "forest",
        {
            "rows": [
                {"name": row.variant, "mean": row.difference, "low": row.low, "high": row.high}
                for row in shown.itertuples()
            ],
            "reference": {"value": 0, "label": control},
            "x_label": f"difference in {label_of(study.metric)}",
            "better": better_side(study.metric),
        },
        alt=f"Difference of each variant from {control}{'' if no_test else _WITH}.",
        caption=f"Differences from '{control}'{f'; {no_test}' if no_test else _WITH}.",
    )


_WITH = " with 95 % intervals that hold for all variants at once"
_COLUMNS = (
    " A true difference as large as 'would be found' is found four times in five. 'For these "
    "training sets' is the interval for other test rows and the same models; it decides nothing."
)


def _outcome(
    study: "Study", family: Mapping[str, Evaluation], control: str, compared: pd.DataFrame
) -> None:
    """Keep what a forecast is set beside: the winner, how much better than the control it is
    (positive, of a loss too, as forecasts are), its verdict."""
    metric, record = study.metric, study.recorder
    winner = next(iter(ranked(family, metric)))
    lead: dict[str, Any] = {"mean": 0.0, "low": None, "high": None}
    found: Any = "the control itself"
    if winner != control:
        row = compared.set_index("variant").loc[winner]
        lead = {"mean": row.difference, "low": row.low, "high": row.high}
        if not METRICS[metric].greater_is_better:
            lead = {"mean": -row.difference, "low": -row.high, "high": -row.low}
        found = row.verdict
    record.value(
        outcome={"winner": winner, "difference": lead, "verdict": found},
        winner=winner, control=control, compared=len(compared),
    )  # fmt: skip
    if winner == control:
        text = "Best of {compared_total:integer}: {winner}, {verdict}."
    else:
        text = (
            "Best of {compared_total:integer}: {winner}, selected and therefore optimistic; "
            "against the control: {verdict}."
        )
    record.fact(text, compared_total=len(family), winner=winner, verdict=found)
    _note_unknown_winner(study)


def _note_unknown_winner(study: "Study") -> None:
    record = study.recorder
    forecast = record.record.forecast
    expected = forecast["winner"] if forecast and forecast["stated"] != "never" else ""
    of_point = "@" in record.record.section  # the forecast is judged in its section's own run
    if expected and expected not in study.evaluations and not of_point:
        record.fact(
            "The forecast's winner is '{expected}', but no variant here is called so: {meant}",
            kind="note", expected=expected, meant=did_you_mean(expected, study.evaluations),
        )  # fmt: skip
