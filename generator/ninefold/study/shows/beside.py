"""Section 7: the models beside the final one, on the same look, and what each costs."""

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ninefold.study.final import load_model
from ninefold.study.finale import Look
from ninefold.study.metrics import METRICS, score
from ninefold.study.standing import differ_by_folds
from ninefold.study.statistics.chance import name_of_naive
from ninefold.study.statistics.paired_rows import paired_difference
from ninefold.study.tables import make_table
from ninefold.study.variants import Variant, family_of_record

if TYPE_CHECKING:
    from ninefold.study.notebook import Study


def values_beside(study: "Study", look: Look) -> dict[str, Any]:
    """Return the values of the models beside the final one: "beside", by what they are; "simple",
    the best simple candidate, which may be the final one; and "rival", what it is compared with."""
    metric, own = study.metric, look.fit.variant
    beside: dict[str, dict[str, Any]] = {
        role: {
            "name": each.name, "score": look.scores[role],
            "expected": each.expected["summary"][metric],
        }
        for role, each in look.beside.items()
    }  # fmt: skip
    values: dict[str, Any] = {"beside": beside | {"constant": {"score": look.constant}}}
    if "simple" in beside:
        values["simple"] = beside["simple"]
    elif own.kind == "estimator":
        score = look.interval.score
        values["simple"] = {"name": own.name, "score": score, "expected": own.summary[metric]}
    rival = None if own.kind == "constant" else _rival(study, look)
    return values if rival is None else values | {"rival": rival}


def _rival(study: "Study", look: Look) -> dict[str, Any] | None:
    """Return what the final model is compared with. A simple model that no record can build again
    may be the best: there is nothing of it on the hold-out, but it is the one to beat."""
    metric, own = study.metric, look.fit.variant
    role, _ = rival_of(look)
    each, stronger = look.beside.get(role), _stronger(study)
    name, record = (each.name, each.expected) if each else ("", None)
    if role == "simple" and stronger is not None:
        each, name, record = None, stronger.name, stronger.record
    if record is None:
        return None
    no_test = study.harness.protocol().no_test
    return {
        "name": name,
        "kind": family_of_record(record),
        "score": look.scores[role] if each else None,
        "expected": record["summary"][metric]["mean"],
        "compared": own.selected_from,
        "folds": differ_by_folds(own, record, metric, no_test),
        "holdout": _differ_on_holdout(study, look, role) if each else None,
    }


def _stronger(study: "Study") -> Variant | None:
    """Return the best simple model where it is no candidate: no record can build it again."""
    choice = study.choose()
    same = choice.strongest is None or (
        choice.simple is not None and choice.strongest.is_as(choice.simple)
    )
    return None if same else choice.strongest


def rival_of(look: Look) -> tuple[str, str]:
    """Return the role of the model that the final one is compared with, and what that is called:
    of a network the best simple model, of a simple model the best network."""
    role = "simple" if look.fit.variant.kind == "network" else "network"
    return role, _ROLES[role]


def _differ_on_holdout(study: "Study", look: Look, role: str) -> dict[str, Any] | None:
    """Return the paired difference from a model; None where the score is not defined."""
    holdout, metric = study.split.holdout, study.metric
    theirs = look.answers[role].taken(METRICS[metric].takes, len(holdout.classes))
    found = paired_difference(
        metric, look.y, look.taken(metric), theirs,
        groups=holdout.groups, ordered=holdout.time is not None,
    )  # fmt: skip
    return asdict(found) if np.isfinite(found.mean) else None


def show_beside(study: "Study", look: Look) -> None:
    """The models beside the final one, by cross-validation and on the hold-out."""
    metric, rows = study.metric, []
    own = look.fit.variant
    rows.append(["final model", own.name, own.summary[metric], look.interval.score])
    shown: dict[int, str] = {}
    for role, each in look.beside.items():
        if id(each) in shown:
            continue
        roles = [_ROLES[other] for other, one in look.beside.items() if one is each]
        shown[id(each)] = role
        expected = each.expected["summary"][metric]
        rows.append([", ".join(roles), each.name, expected, look.scores[role]])
    naive = name_of_naive(metric, len(study.task.classes))
    rows.append([naive, "", None, look.constant])
    columns = [
        ("model", "text"), ("name", "text"), ("by cross-validation", "pm"), ("hold-out", "score")
    ]  # fmt: skip
    caption = (
        f"{METRICS[metric].label} of the final model and of those beside it, on the same look."
    )
    study.recorder.table("beside", make_table(caption, columns, rows))
    stronger = _stronger(study)
    if stronger is not None:
        study.recorder.fact(
            "The best simple model by cross-validation is {stronger} ({score:pm} {metric_label}). "
            "It is no candidate, so it is not on the hold-out.",
            kind="note", stronger=stronger.name, score=stronger.summary[metric],
            metric_label=METRICS[metric].label,
        )  # fmt: skip


_ROLES = {"network": "best network", "simple": "best simple model", "linear": "linear model"}


def distinct(look: Look) -> list[str]:
    """Return the roles of the models beside the final one, each model once."""
    first = {id(each): role for role, each in reversed(look.beside.items())}
    return [role for role, each in look.beside.items() if first[id(each)] == role]


def score_of(look: Look, role: str, metric: str, classes: int) -> float | None:
    takes = METRICS[metric].takes
    if takes not in look.beside[role].gives:
        return None
    return score(metric, look.y, look.answers[role].taken(takes, classes), n_classes=classes)


def cost(study: "Study", look: Look) -> None:
    """Parameters, training and prediction time of the final model and of those beside it."""
    loaded, inputs = load_model(look.fit.folder), study.split.holdout.X
    rows: list[list[Any]] = [
        ["final model", look.fit.parameters or None, look.fit.seconds,
         _time_of(lambda: loaded.outputs(inputs), len(inputs))]
    ]  # fmt: skip
    for role in distinct(look):
        each = look.beside[role]
        spent = _time_of(partial(each.predict, study.holdout_inputs()), len(inputs))
        rows.append([each.name, each.parameters or None, each.seconds, spent])
    columns = [
        ("model", "text"), ("parameters", "integer"), ("training", "duration"),
        ("prediction, ms a row", "significant"),
    ]  # fmt: skip
    study.recorder.table("cost", make_table("Cost, measured on this machine.", columns, rows))


def _time_of(predict: Callable[[], Any], rows: int) -> float:
    """Return the milliseconds that a prediction takes for each row, the second time: the first
    compiles."""
    predict()
    start = time.perf_counter()
    predict()
    return 1000 * (time.perf_counter() - start) / rows
