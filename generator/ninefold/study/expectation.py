"""What the choice among candidates did to a score, and what the hold-out should show: the answers
of recorded evaluations, put together for `statistics.optimism` and `statistics.expected`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.study.choosing import simplicity_of
from ninefold.study.kept_predictions import Frames, read_predictions
from ninefold.study.metrics import METRICS
from ninefold.study.recorded import against, scores_by_seed
from ninefold.study.scoring import answer_of, outputs_of
from ninefold.study.statistics.expected import FoldScores, expected_range
from ninefold.study.statistics.optimism import (
    Candidates,
    Choose,
    correct_for_choice,
    simplest_within,
)
from ninefold.study.variants import Variant, is_candidate, read_variants

if TYPE_CHECKING:
    from ninefold.study.notebook import Study

Place = tuple[str, str]  # section, evaluation


@dataclass(frozen=True)
class Expectation:
    """What cross-validation says of a model's score, and of that on the hold-out.

    mean        over the folds, as its table has it; corrected: less the optimism of the choice
    optimism    in units of the metric; positive: the mean is too good
    low, high   the range of the hold-out's score (95 %); None where there is none, for the reason
                `why`
    candidates  how many models it was chosen from
    """

    mean: float
    candidates: int = 1
    corrected: float | None = None
    optimism: float | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""


def expect(study: "Study", variant: Variant) -> Expectation:
    """Return what the hold-out should show of a variant, corrected for its choice by the rule of
    the project; one that the rule did not choose is taken for the only candidate."""
    metric, rule = study.metric, study.settings.final
    mean = variant.summary[metric]["mean"]
    assert mean is not None  # a variant has one by the metric that decides
    no_test = study.harness.protocol().no_test
    if no_test:
        return Expectation(mean, why=no_test)
    ruled = study.choose().final.is_as(variant)
    variants = _candidates(study) if ruled else [variant]
    try:
        predictions = read_candidates(study, [_place(own) for own in variants])
        candidates, usable = gather(list(predictions.values()), study)
        kept = [own for own, is_usable in zip(variants, usable, strict=True) if is_usable]
        choose = _rule(kept, metric) if ruled and rule.rule == "simplest" else None
        found = correct_for_choice(candidates, choose=choose, seed=study.seed)
        scores = scores_by_seed(variant.record, metric)[0]  # the hold-out judges one network
        scores = scores[np.isfinite(scores)]
        folds = FoldScores(scores, variant.record["n_train"], variant.record["n_test"])
        expected = expected_range(
            candidates, holdout_sizes(study), folds, choose=choose, seed=study.seed
        )
    except NinefoldError as error:
        return Expectation(mean, len(variants), why=str(error))
    sign = 1 if METRICS[metric].greater_is_better else -1
    corrected = float(np.clip(mean - sign * found.optimism, *limits_of(study)))
    return Expectation(
        mean, len(kept), corrected, found.optimism, expected.low, expected.high
    )  # fmt: skip


def read_candidates(study: "Study", places: Sequence[Place]) -> dict[Place, Frames]:
    """Return the out-of-fold predictions of evaluations in earlier sections, (section, name) →
    a frame for each seed. Raises NinefoldError where one has not been kept."""
    known = {
        section: read_predictions(
            study.project.files, section, study.record_of(section).predictions
        )
        for section in dict.fromkeys(section for section, _ in places)
    }
    lacking = [place for place in places if place[1] not in known[place[0]]]
    if lacking:
        raise NinefoldError(
            f"{lacking[0][0]} has kept no predictions of '{lacking[0][1]}'",
            todo=f"run it again: ninefold run --force {lacking[0][0]}",
        )
    return {(section, name): known[section][name] for section, name in places}


def gather(predictions: Sequence[Frames], study: "Study") -> tuple[Candidates, list[bool]]:
    """Return the candidates, and which of the predictions they are: all but those of models that
    do not give what the metric takes. Of a model with fewer seeds each set stands there as often
    as makes up for it.

    Raises NinefoldError where not every row is tested once in each repeat, and where none is left.
    """
    takes = METRICS[study.metric].takes
    usable = [takes == "labels" or bool(outputs_of(its[0])) for its in predictions]
    answers = [
        np.concatenate([_answers(frame, study) for frame in its])
        for its, is_usable in zip(predictions, usable, strict=True)
        if is_usable
    ]
    if not answers:
        raise NinefoldError("no candidate gives what the metric takes")
    sets = max(len(found) for found in answers)
    if any(sets % len(found) for found in answers):
        raise NinefoldError(
            "the candidates were judged on different splits",
            "expected as many repeats of each",
            "run the sections of the older ones again",
        )
    equal = [np.concatenate([found] * (sets // len(found))) for found in answers]
    data = study.development()
    return Candidates(study.metric, data.y, np.stack(equal), study.split.groups), usable


def _answers(frame: pd.DataFrame, study: "Study") -> np.ndarray:
    """Return what a model answered in each repeat (repeats, n, …), as the metric takes it."""
    data, takes = study.development(), METRICS[study.metric].takes
    ordered = _by_row(frame, len(data))
    taken = answer_of(ordered, data.classes).taken(takes, len(data.classes))
    return taken.reshape(-1, len(data), *taken.shape[1:])


def _by_row(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Sort by repeat and row."""
    ordered = frame.sort_values(["repeat", "row"], kind="stable")
    each = ordered["row"].to_numpy()
    if len(each) % rows or not (each.reshape(-1, rows) == np.arange(rows)).all():
        raise NinefoldError(
            "the predictions are not one for each development row in each repeat",
            todo="run the sections of the older ones again",
        )
    return ordered


def holdout_sizes(study: "Study") -> list[int]:
    """Return the sizes of the hold-out as `expected_range` takes them: its classes' rows, its rows,
    or, where rows are drawn in groups, its groups."""
    held = study.split.holdout
    if study.split.groups is not None:
        return [len(np.unique(held.identical if held.groups is None else held.groups))]
    counts = np.bincount(held.y, minlength=len(held.classes)) if held.classes else [len(held)]
    return [int(count) for count in counts]


def limits_of(study: "Study") -> tuple[float, float]:
    """Return the range of the metric that decides."""
    return METRICS[study.metric].limits(len(study.task.classes))


def _candidates(study: "Study") -> list[Variant]:
    """Return those that the rule chose from."""
    rule = study.settings.final
    found = read_variants(study.records(4, 7), study.metric)
    return [
        variant
        for variant in found
        if is_candidate(variant) and (rule.choose == "any" or variant.kind == "network")
    ]


def _place(variant: Variant) -> Place:
    _, _, point = variant.section.partition("@")
    return variant.section, variant.name.removesuffix(f" ({point})" if point else "")


def _rule(variants: Sequence[Variant], metric: str) -> Choose:
    order = sorted(range(len(variants)), key=lambda i: (*simplicity_of(variants[i], metric), i))
    ranks = np.empty(len(order), dtype=int)
    ranks[order] = np.arange(len(order))

    def errors(number: int) -> np.ndarray:
        return np.array([_error(own, variants[number], metric) for own in variants])

    return simplest_within(ranks.tolist(), errors)


def _error(variant: Variant, best: Variant, metric: str) -> float:
    try:
        return against(variant.record, best.record, metric).difference.standard_error
    except NinefoldError:  # not the same folds, or too few in which both are defined
        return 0.0
