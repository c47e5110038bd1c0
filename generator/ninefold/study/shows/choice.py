"""The rule that chooses the final model, stated in section 3; in section 7, how it played out."""

from typing import TYPE_CHECKING, Any

from ninefold.study.choosing import Choice, Gap, gap_from, state_candidates
from ninefold.study.metrics import METRICS, shown_beside
from ninefold.study.simplicity import LABELS
from ninefold.study.tables import make_table
from ninefold.study.variants import Variant

if TYPE_CHECKING:
    from ninefold.study.notebook import Study

_MOST_WITHIN = 6  # candidates that are shown


def state_rule(study: "Study") -> None:
    """How the final model will be chosen, as `[final]` in ninefold.toml says."""
    final, record = study.settings.final, study.recorder
    label, no_test = METRICS[study.metric].label, study.harness.protocol().no_test
    of_networks = final.choose == "network"
    which = "every network"
    if not of_networks:
        which += ", every scikit-learn model and the strongest constant"
    rule = f"The final model will be the candidate with the best mean {label}"
    if no_test:
        rule += ", since these folds allow no standard error"
    elif final.rule == "simplest":
        rule = (
            "The final model will be the simplest candidate within one standard error of the best "
            f"{label}, the error of their paired difference (Breiman et al. 1984)"
        )
    record.fact(
        "{rule}. Candidates: {which} that sections 4 to 6 evaluate and a record can build again.",
        rule=rule, which=which,
    )  # fmt: skip
    record.fact(
        "A network that is trained again from another seed is the same candidate: the best of many "
        "seeds would be luck."
    )
    if of_networks:
        record.fact("The network is the subject of this study: no other model is a candidate.")
    if final.rule == "simplest" and not no_test:
        others = "the constant, linear models, single trees, other scikit-learn models, "
        record.fact(
            f"From simple to complex: {others * (not of_networks)}networks by their number of "
            "parameters, averaged networks."
        )


def choice(study: "Study", choice: Choice | None = None, variant: Variant | None = None) -> None:
    """The chosen model, why it is the one, its configuration and its cross-validated scores.

    variant  in the place of a choice: one that the notebook chose by itself
    """
    if choice is not None:
        _state_choice(study, choice)
    chosen = variant or (choice or study.choose()).final
    _state_scores(study, chosen)
    if choice is not None:
        _show_candidates(study, choice)
    columns = [("setting", "text"), ("value", "")]
    table = make_table("The final configuration.", columns, _configuration(chosen, study.metric))
    study.recorder.table("choice", table)


def _state_choice(study: "Study", choice: Choice) -> None:
    record, label = study.recorder, METRICS[study.metric].label
    record.fact(
        "Candidates for the final model: {candidates_by_kind}.",
        candidates_by_kind=state_candidates(choice.candidates),
    )  # fmt: skip
    if choice.rule.choose == "network":
        record.fact("The subject of this study is the network: no other model was a candidate.")
    gap = choice.gap
    if choice.final is not choice.best:
        record.fact(
            "{final_name} is the simplest candidate within one standard error of the best, "
            "{best_candidate}: its mean {metric_label} is {behind:score} behind, with a standard "
            "error of {standard_error:score}.",
            final_name=choice.final.name, best_candidate=choice.best.name, metric_label=label,
            behind=gap.difference, standard_error=gap.standard_error,
        )  # fmt: skip
    else:
        why = {True: " These folds allow no standard error.", False: ""}[bool(choice.no_test)]
        if not choice.no_test and choice.rule.rule == "simplest":
            why = " No simpler candidate is within one standard error of it."
        record.fact(
            "{final_name} has the best mean {metric_label} of all candidates.{why}",
            final_name=choice.final.name, metric_label=label, why=why,
        )  # fmt: skip
    for lost in choice.left_out[:3]:
        record.fact(
            "'{name}' of {place} scores better ({score:pm}), and is no candidate: {why}",
            kind="note", name=lost.name, place=lost.section, score=lost.summary[study.metric],
            why=_WHY[lost.record["variant"]["rebuildable"]],
        )  # fmt: skip


_WHY = {
    False: "its record cannot build it again. A function in the project's models.py would make it "
    "one.",
    True: "it gives no probabilities. In a CalibratedClassifierCV it would.",
}


def _state_scores(study: "Study", chosen: Variant) -> None:
    metric, record = study.metric, study.recorder
    beside = shown_beside(metric)
    best = {"name": chosen.name, "section": chosen.section, "kind": chosen.family}
    record.value(best=best | chosen.summary, metric=metric, metric_label=METRICS[metric].label)
    among, optimistic = "", ""
    if chosen.selected_from > 1:
        among = ", one of {selected_from:integer} candidates,"
        optimistic = ", selected and therefore optimistic"
    record.fact(
        f"{{best_name}} of {{section}}{among} has {{best_score:pm}} {{metric_label}}{optimistic}; "
        "{beside_label} {beside_score:pm}.",
        best_name=chosen.name, section=chosen.section, selected_from=chosen.selected_from,
        metric_label=METRICS[metric].label, best_score=chosen.summary[metric],
        beside_label=METRICS[beside].label, beside_score=chosen.summary.get(beside),
    )  # fmt: skip


def _show_candidates(study: "Study", choice: Choice) -> None:
    """The candidates within one standard error, the best network and the best simple model."""
    shown: list[Gap] = [choice.gap, *(g for g in choice.within if g.variant is not choice.final)]
    shown = shown[:_MOST_WITHIN]
    for variant in (choice.best, choice.network, choice.simple, choice.constant):
        if variant and not any(gap.variant.is_as(variant) for gap in shown):
            shown.append(gap_from(choice.best, variant, study.metric, choice.no_test))
    metric = study.metric
    rows = [
        [
            gap.variant.name, LABELS[gap.variant.family], gap.variant.summary[metric],
            gap.variant.record["parameters"] or None, gap.difference, gap.standard_error,
            _role(gap.variant, choice),
        ]
        for gap in shown
    ]  # fmt: skip
    columns = [
        ("candidate", "text"), ("family", "text"), (METRICS[metric].label, "pm"),
        ("parameters", "integer"), ("behind the best", "score"), ("standard error", "score"),
        ("role", "text"),
    ]  # fmt: skip
    count = len(choice.within)
    some = f"the first {_MOST_WITHIN} of {count} " if count > _MOST_WITHIN else ""
    caption = (
        f"The final model and what it was chosen from: {some}candidates within one standard error "
        "of the best, and the best of each kind, which may be further behind."
    )
    study.recorder.table("candidates", make_table(caption, columns, rows))


def _role(variant: Variant, choice: Choice) -> str:
    roles = {
        "final model": choice.final,
        "best": choice.best,
        "best network": choice.network,
        "best simple model": choice.simple,
    }
    return ", ".join(role for role, one in roles.items() if one is not None and one.is_as(variant))


def _configuration(variant: Variant, metric: str) -> list[list[Any]]:
    if variant.kind == "constant":
        return [["answer", f"the strongest constant for {METRICS[metric].label}"]]
    made = "model function" if variant.blueprint is None else "estimator"
    rows = [[made, variant.function], *map(list, variant.keywords.items())]
    if variant.kind == "network":
        rows += [["epochs", variant.epochs], ["batch size", variant.batch_size]]
        rows += [["networks averaged", variant.members]]
        rows += [["parameters", variant.record["parameters"]]]
    return rows
