"""The first sentences of a report: the verdict, worded as the tables below it allow."""

from ninefold.formats import show
from ninefold.publishing.final_values import Difference, FinalValues, Rival

NETWORKS = ("network", "ensemble")
_AGAINST = {
    "better": "and does better than",
    "worse": "but does worse than",
    "undecided": "but is not told apart from",
}
_ON_HOLDOUT = {
    "better": "On the hold-out it does better, too",
    "worse": "On the hold-out it does worse",
    "undecided": "On the hold-out the two are not told apart",
}


def headline(values: FinalValues) -> str:
    """Return the verdict on the final model in one to three sentences; "" before section 7 ran.

    It claims no more than `values.verdict`, of cross-validation, and `values.rival`, of the paired
    differences, say.
    """
    verdict, subject = values.verdict, _subject(values)
    if verdict.startswith("no test"):
        return (
            "The folds follow one another in time, so no test of skill is valid. The hold-out, "
            "which follows them all, is what there is to go by."
        )
    if values.kind == "constant":
        if values.best_candidate:
            return (
                f"The rule chose the constant: the best candidate, '{values.best_candidate}', is "
                "within one standard error of it."
            )
        return "No model was found to be better than guessing: the final model is the constant."
    if verdict == "no evidence of skill":
        beaten = _scores(values, values.expected, None)
        return f"There is no evidence of skill: {subject} does not clearly beat guessing{beaten}."
    if verdict == "skill withdrawn":
        return (
            f"Skill is not confirmed on new rows: on the hold-out {subject} does not beat "
            f"guessing{_scores(values, values.holdout.score, values.constant)}, though it did by "
            "cross-validation."
        )
    if verdict in ("skill", "beats the best simple model"):
        return f"{_capital(subject)} clearly beats guessing{_against(values)}"
    return ""


def _subject(values: FinalValues) -> str:
    named = f" '{values.name}'" if values.name else ""
    return f"the {_noun(values.kind)}{named}"


def _noun(kind: str) -> str:
    return kind if kind in NETWORKS else "model"


def _against(values: FinalValues) -> str:
    """Return the rest of the sentence: how the model stands beside its rival."""
    rival = values.rival
    if rival is None or rival.folds is None or rival.folds.verdict not in _AGAINST:
        return "."
    joined = _AGAINST[rival.folds.verdict]
    if values.kind not in NETWORKS:  # a simple model need not be better to be the right choice
        joined = joined.replace("but is", "and is")
    which = "best network" if rival.kind in NETWORKS else "best simple model"
    scores = _scores(values, values.expected, rival.expected, _corrected(values))
    return f", {joined} the {which}, '{rival.name}'{scores}.{_held(rival)}"


def _held(rival: Rival) -> str:
    found = rival.holdout
    if found is None or found.verdict not in _ON_HOLDOUT:
        return ""
    said = _ON_HOLDOUT[found.verdict]
    if found.verdict == "better" and rival.folds and rival.folds.verdict != "better":
        said = said.removesuffix(", too")
    return f" {said} (difference {spell_difference(found)})."


def spell_difference(found: Difference) -> str:
    """Return a difference with its interval: "+0.012, −0.003 to 0.027"."""
    mean = show(found.mean, "signed")
    if found.low is None or found.high is None:
        return mean
    return f"{mean}, {show({'low': found.low, 'high': found.high}, 'interval')}"


def _corrected(values: FinalValues) -> float | None:
    """Return the final model's mean corrected for the choice, where that shows."""
    mean = values.range["mean"] if values.range else None
    shown = show(mean, "score") != show(values.expected, "score")
    return mean if shown else None


def _scores(
    values: FinalValues, own: float | None, other: float | None, corrected: float | None = None
) -> str:
    if own is None:
        return ""
    label = values.metric_label or values.metric
    against = "" if other is None else f" against {show(other, 'score')}"
    less = "" if corrected is None else f"; {show(corrected, 'score')} corrected for the choice"
    return f" ({label} {show(own, 'score')}{against}{less})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
