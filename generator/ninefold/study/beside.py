"""What the final model is set beside: the best network, the best simple model and the linear one,
each fitted on the same development rows by the procedure that cross-validation judged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.record_entries import EvaluationEntry
from ninefold.study.learners import Answer, Fitted, make_learner
from ninefold.study.metrics import METRICS, Takes
from ninefold.study.splits import derive_seed
from ninefold.study.training import caller_s_randomness
from ninefold.study.variants import Variant, skill

if TYPE_CHECKING:
    from ninefold.study.notebook import Study

_FINAL = 10**6  # in the place of a repeat's number: no fold's seed is the final model's


@dataclass(frozen=True)
class Beside:
    """A model that the final one is set beside.

    expected  as a record of cross-validation has it
    predict   raw inputs → what it answers
    """

    name: str
    expected: EvaluationEntry
    predict: Callable[[Any], Answer]
    parameters: int
    seconds: float
    gives: frozenset[Takes]


class DivergedError(NinefoldError):
    """A network's outputs are not finite on the rows that it was trained on."""


def divide_rows(study: "Study") -> tuple[np.ndarray, np.ndarray]:
    """Return the development rows that a network trains on, and its inner validation split; a
    simple model trains on both."""
    share, seed = study.settings.harness.validation, derive_seed(study.seed, _FINAL)
    held = study.split.take_validation(share, seed)
    return np.setdiff1d(np.arange(len(study.task.y)), held), held


def fit_members(study: "Study", variant: Variant, keep: Callable[[int, Fitted], None]) -> Any:
    """Train a variant on the development rows, a network once for each member, and hand each to
    `keep` with its number while it holds its weights. Returns the learner.

    Raises DivergedError where a network's outputs are not finite.
    """
    train, validation = divide_rows(study)
    changes = {"epochs": variant.epochs, "batch_size": variant.batch_size}
    recipe = study.recipe(**{name: value for name, value in changes.items() if value})
    learner = make_learner(study.build(variant), study.task, "auto", recipe)
    takes = METRICS[study.metric].takes
    for number in range(1, variant.members + 1):
        with caller_s_randomness():
            member = learner.fit(train, validation, derive_seed(study.seed, _FINAL, number))
        answer = member.predict(study.task.rows(train)).taken(takes, len(study.task.classes))
        if not np.isfinite(answer).all():
            raise DivergedError(
                f"the network diverged ({variant.name}, member {number})",
                "finite outputs on the rows it was trained on",
                "lower its learning rate, or choose another variant",
            )
        keep(number, member)
    study.recorder.record.fits += variant.members
    return learner


def fit_beside(study: "Study", final: Variant) -> dict[str, Beside]:
    """Fit the best network, the best simple model and the linear one, where they are not the final
    model themselves: "network", "simple" and "linear", of which the last two may be one. A network
    that diverges is left out, and that is said."""
    choice = study.choose()
    asked = {"network": choice.network, "simple": choice.simple, "linear": choice.linear}
    fits: dict[tuple[str, str], Beside] = {}
    found = {}
    for role, variant in asked.items():
        if variant is None or variant.is_as(final):
            continue
        place = (variant.section, variant.name)
        try:
            if place not in fits:
                fits[place] = _fit(study, variant)
        except DivergedError:
            study.recorder.fact(
                "The best network, {network}, diverged on the development rows: it is not beside "
                "the final model.",
                kind="note", network=variant.name,
            )  # fmt: skip
            continue
        found[role] = fits[place]
    return found


def _fit(study: "Study", variant: Variant) -> Beside:
    members: list[Fitted] = []
    learner = fit_members(study, variant, lambda _, member: members.append(member))

    def predict(X: Any) -> Answer:
        if len(members) == 1:
            return members[0].predict(X)
        outputs = [member.predict(X).outputs for member in members]  # of networks, never None
        return Answer(np.mean([found for found in outputs if found is not None], axis=0))

    return Beside(
        variant.name, variant.record, predict, learner.parameters * variant.members,
        sum(member.seconds for member in members), learner.gives,
    )  # fmt: skip


def fit_simple(study: "Study", models: Mapping[str, Any]) -> dict[str, Beside]:
    """Fit the best simple model of the spot-check and the linear one, of those given by name.

    Raises NinefoldError where none of them was evaluated there.
    """
    judged = simple_evaluations(study)
    known = {name: judged[name] for name in models if name in judged}
    if not known:
        raise NinefoldError(
            "none of these simple models was evaluated in the spot-check",
            f"expected some of: {', '.join(judged)}",
        )
    best = best_of(known, study.metric)
    fits: dict[str, Beside] = {}
    found = {}
    for role, name in {"simple": best, "linear": "linear"}.items():
        if name in models and name not in fits:
            fits[name] = _fit_given(study, name, models[name], known.get(name, known[best]))
        if name in fits:
            found[role] = fits[name]
    return found


def _fit_given(study: "Study", name: str, model: Any, expected: EvaluationEntry) -> Beside:
    train, validation = divide_rows(study)
    learner = make_learner(model, study.task, "auto", study.recipe())
    fitted = learner.fit(train, validation, derive_seed(study.seed, _FINAL))
    study.recorder.record.fits += 1
    return Beside(name, expected, fitted.predict, learner.parameters, fitted.seconds, learner.gives)


def simple_evaluations(study: "Study") -> dict[str, EvaluationEntry]:
    """Return the spot-check's evaluations of scikit-learn models: name → as recorded."""
    judged = study.record_of("1-spot-check").evaluations
    return {name: e for name, e in judged.items() if e["engine"] == "scikit-learn"}


def best_of(evaluations: Mapping[str, EvaluationEntry], metric: str) -> str:
    """Return the name of the recorded evaluation with the best mean of `metric`."""
    return max(evaluations, key=lambda name: skill(evaluations[name], metric))
