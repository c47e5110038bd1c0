"""The final model, chosen by a rule declared beforehand: of all candidates the simplest within one
standard error of the best, or the best."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ninefold.errors import NinefoldError
from ninefold.records import Record
from ninefold.settings import FinalSettings
from ninefold.study.metrics import METRICS
from ninefold.study.recorded import against
from ninefold.study.simplicity import SIMPLEST_FIRST
from ninefold.study.variants import Kind, Variant, is_candidate, read_variants, skill


@dataclass(frozen=True)
class Gap:
    """How far a candidate is from the best: by the mean over the folds, 0 or more, and the
    standard error of that; None where the folds allow none. NaN where they have none in common."""

    variant: Variant
    difference: float
    standard_error: float | None


@dataclass(frozen=True)
class Choice:
    """The final model, and why.

    best        the candidate with the best mean
    within      the candidates within one standard error of it, the simplest first
    candidates  how many there are of each kind, as `state_candidates` says them
    network, simple, linear, constant  the best of their kind, None where there is none
    strongest   the best simple model that was evaluated, candidate or not
    left_out    evaluations that score better than the best candidate, and are none: no record can
                build them again, or they give no probabilities
    no_test     why no standard error is valid, "" where one is
    """

    final: Variant
    best: Variant
    within: tuple[Gap, ...]
    candidates: dict[str, int]
    network: Variant | None
    simple: Variant | None
    linear: Variant | None
    constant: Variant | None
    strongest: Variant | None
    left_out: tuple[Variant, ...]
    rule: FinalSettings
    no_test: str = ""

    @property
    def gap(self) -> Gap:
        """Return how far the final model is from the best candidate."""
        return next(gap for gap in self.within if gap.variant is self.final)


def choose_final(
    records: Sequence[Record], metric: str, rule: FinalSettings, no_test: str = ""
) -> Choice:
    """Return the final model by the rule (Breiman, Friedman, Olshen & Stone 1984, *Classification
    and Regression Trees*, section 3.4.3; the standard error is the corrected one of the folds'
    differences from the best). Where no standard error is valid, the best by the mean.

    records  of sections 4 to 6
    no_test  as `Protocol.no_test`

    Raises NinefoldError where there is no candidate.
    """
    found = read_variants(records, metric)
    every = [variant for variant in found if is_candidate(variant)]
    asked = [variant for variant in every if _is_asked(variant, rule)]
    if not asked:
        raise NinefoldError(
            f"no {'network' if rule.choose == 'network' else 'model'} has been evaluated that its "
            "record can build again",
            "expected a candidate for the final model in sections 4 to 6",
            "run the experiments of section 5 first",
        )
    ranked = sorted(asked, key=lambda v: (-_of(v, metric), simplicity_of(v, metric)))
    best = ranked[0]
    gaps = [gap for v in ranked if (gap := _within(v, best, metric, no_test)) is not None]
    within = sorted(gaps, key=lambda gap: simplicity_of(gap.variant, metric))
    final = best if no_test or rule.rule == "best" else within[0].variant
    chosen = replace(final, selected_from=len(asked))
    return Choice(
        final=chosen,
        best=chosen if best is final else replace(best, selected_from=len(asked)),
        within=tuple(replace(g, variant=chosen) if g.variant is final else g for g in within),
        candidates=_count_kinds(asked),
        network=_best(every, metric, "network", "ensemble"),
        simple=_best(every, metric, *_SIMPLE),
        linear=_best(every, metric, "linear"),
        constant=_best(every, metric, "constant"),
        strongest=_best(found, metric, *_SIMPLE),
        left_out=tuple(
            variant
            for variant in found
            if _is_asked(variant, rule)
            and not is_candidate(variant)
            and _of(variant, metric) > _of(best, metric)
        ),
        rule=rule,
        no_test=no_test,
    )


def _is_asked(variant: Variant, rule: FinalSettings) -> bool:
    return rule.choose == "any" or variant.kind == "network"


def _within(variant: Variant, best: Variant, metric: str, no_test: str) -> Gap | None:
    """Return how far a candidate is from the best; None beyond one standard error."""
    if variant is best:
        return Gap(best, 0.0, None if no_test else 0.0)
    gap = gap_from(best, variant, metric, no_test)
    near = gap.standard_error is not None and gap.difference <= gap.standard_error
    return gap if near else None


def gap_from(best: Variant, variant: Variant, metric: str, no_test: str = "") -> Gap:
    """Return how far another candidate is from the best; NaN where they cannot be compared."""
    try:
        found = None if no_test else against(variant.record, best.record, metric).difference
    except NinefoldError:  # not the same folds, or too few in which both are defined
        found = None
    if found is None:
        return Gap(variant, float("nan"), None)
    lost = -found.mean if METRICS[metric].greater_is_better else found.mean
    return Gap(variant, max(0.0, lost), found.standard_error)  # of −0 and 0 the first


def simplicity_of(variant: Variant, metric: str) -> tuple[int, int, float]:
    """Return what puts the simpler of two variants first: family, parameters of a network, and of
    equals the better score."""
    family = SIMPLEST_FIRST.index(variant.family)
    parameters = variant.record["parameters"] if variant.kind == "network" else 0
    return family, parameters, -_of(variant, metric)


def _of(variant: Variant, metric: str) -> float:
    return skill(variant.record, metric)


def _best(variants: Sequence[Variant], metric: str, *families: str) -> Variant | None:
    of_them = [variant for variant in variants if variant.family in families]
    if not of_them:
        return None
    best = max(of_them, key=lambda variant: _of(variant, metric))
    return replace(best, selected_from=len(of_them))


_SIMPLE = ("linear", "tree", "simple")


def _count_kinds(variants: Sequence[Variant]) -> dict[str, int]:
    counts = Counter(variant.kind for variant in variants)
    return {name: counts[kind] for kind, name in _KINDS.items() if counts[kind]}


_KINDS: dict[Kind, str] = {
    "network": "network", "estimator": "scikit-learn model", "constant": "constant"
}  # fmt: skip


def state_candidates(candidates: dict[str, int]) -> str:
    """Return how many candidates there are of each kind: "35 networks, 1 constant"."""
    return ", ".join(f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in candidates.items())
