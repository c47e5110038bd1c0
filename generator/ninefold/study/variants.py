"""A variant: a model function with its keyword arguments, an estimator, or the constant, as records
keep it; and the best network."""

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import Any, Literal

from ninefold.errors import NinefoldError
from ninefold.plain_json import digest
from ninefold.record_entries import EvaluationEntry, Mean
from ninefold.records import Record
from ninefold.study.blueprints import build_from, draw_blueprint
from ninefold.study.learners.estimator import is_estimator
from ninefold.study.metrics import METRICS
from ninefold.study.simplicity import SIMPLEST_FIRST, Family
from ninefold.study.training import Recipe

Kind = Literal["network", "estimator", "constant"]
_KINDS: dict[str, Kind] = {"scikit-learn": "estimator", "constant": "constant"}


@dataclass(frozen=True)
class Variant:
    """What it takes to build and train a recorded model again, and what it scored.

    epochs, batch_size  0 for what is no network
    members             networks whose predictions are averaged
    selected_from       how many candidates it was chosen from
    """

    name: str
    section: str
    function: str  # "module:function", or as an estimator writes itself
    keywords: dict[str, Any]
    epochs: int
    batch_size: int
    members: int
    selected_from: int
    record: EvaluationEntry = field(repr=False)

    @property
    def summary(self) -> dict[str, Mean]:
        """Return its scores: metric → mean and interval."""
        return self.record["summary"]

    @property
    def kind(self) -> Kind:
        """Return what the final model is saved as."""
        return _KINDS.get(self.record["engine"], "network")

    @property
    def family(self) -> Family:
        """Return how simple it is."""
        return family_of_record(self.record)

    def is_as(self, other: "Variant") -> bool:
        """Tell whether both are the same variant, whatever they were chosen from."""
        return (self.section, self.name) == (other.section, other.name)

    @property
    def blueprint(self) -> dict[str, Any] | None:
        """Return the blueprint of an estimator that a record keeps; None for what a function
        makes."""
        return self.record["variant"].get("estimator")


def family_of_record(evaluation: EvaluationEntry) -> Family:
    """Return the family of what was judged; of an estimator in an older record, "simple"."""
    kind = _KINDS.get(evaluation["engine"], "network")
    if kind == "network":
        return "network" if evaluation["members"] == 1 else "ensemble"
    kept = "constant" if kind == "constant" else evaluation["variant"].get("family")
    return next((known for known in SIMPLEST_FIRST if known == kept), "simple")


def read_variants(records: Sequence[Record], metric: str) -> list[Variant]:
    """Return the variants of the records that have a score by `metric`, the same one once.

    One trained again from another seed is the same variant and left out: the best of many seeds
    is luck. One judged again to the same result, as the control of a notebook is in each point of
    its grid, is one, and so is one judged again by its first seed alone. Members of an average that
    were judged by themselves are other seeds.
    """
    distinct: dict[str, Variant] = {}
    for record in records:
        for name, evaluation in record.evaluations.items():
            summary = evaluation["summary"].get(metric)
            seed = evaluation["variant"].get("model_seed", 0)
            if summary is None or summary["mean"] is None or metric not in evaluation["scores"]:
                continue
            if seed:
                continue
            by_seed = evaluation.get("scores_by_seed", {}).get(metric)
            first = by_seed[0] if by_seed else evaluation["scores"][metric]
            alike = digest([evaluation["variant"], evaluation["members"], first])
            distinct.setdefault(alike, _read_variant(record.section, name, evaluation))
    return list(distinct.values())


def _read_variant(section: str, name: str, evaluation: EvaluationEntry) -> Variant:
    variant = evaluation["variant"]
    _, _, point = section.partition("@")
    return Variant(
        name=f"{name} ({point})" if point else name,
        section=section,
        function=variant["function"],
        keywords=variant["keywords"],
        epochs=variant.get("epochs", 0),
        batch_size=variant.get("batch_size", 0),
        members=evaluation["members"],
        selected_from=1,
        record=evaluation,
    )


def is_candidate(variant: Variant) -> bool:
    """Tell whether a variant can become the final model: its record can build it again, and it
    answers with numbers or probabilities, which section 7 shows."""
    kept = variant.record["variant"]
    whole = "epochs" in kept if variant.kind == "network" else True
    answers = not _is_classified(variant) or variant.kind != "estimator"
    return kept["rebuildable"] and whole and (answers or "log_loss" in variant.summary)


def _is_classified(variant: Variant) -> bool:
    return all(METRICS[name].takes != "numbers" for name in variant.summary if name in METRICS)


def choose_best(records: Sequence[Record], metric: str) -> Variant:
    """Return the best network among the candidates of the records by the mean of `metric`.

    Raises NinefoldError where there is none.
    """
    found = [
        variant
        for variant in read_variants(records, metric)
        if variant.kind == "network" and is_candidate(variant)
    ]
    if not found:
        raise NinefoldError(
            "no network has been evaluated yet", todo="run the experiments of section 5 first"
        )
    best = max(found, key=lambda variant: skill(variant.record, metric))
    return replace(best, selected_from=len(found))


def skill(evaluation: EvaluationEntry, metric: str) -> float:
    """Return the mean of a recorded evaluation so that more is better; −∞ where the metric is
    defined in no fold."""
    mean = evaluation["summary"].get(metric, _UNDEFINED)["mean"]
    sign = 1 if METRICS[metric].greater_is_better else -1
    return -math.inf if mean is None else sign * mean


_UNDEFINED: Mean = {"mean": None, "low": None, "high": None}


def build_variant(variant: Variant, package: str = "") -> Any:
    """Return what `ninefold.evaluate` takes for a recorded variant: its model function, keyword
    arguments bound; its estimator; or "constant".

    package  the study's own, whose estimators may be built, too

    Raises NinefoldError where there is none of its name any more.
    """
    if variant.kind == "constant":
        return "constant"
    if variant.blueprint is not None:
        return build_from(variant.blueprint, package)
    module, _, name = variant.function.partition(":")
    try:
        return partial(getattr(import_module(module), name), **variant.keywords)
    except (ImportError, AttributeError, ValueError):
        raise NinefoldError(
            f"'{variant.function}', which made {variant.name}, does not exist any more",
            todo=f"run {variant.section} again",
        ) from None


def describe_variant(build: Any, recipe: Recipe, package: str = "") -> dict[str, Any]:
    """Return what a record keeps of a variant: enough to build it again where it is a function
    of a module, with keyword arguments bound by `functools.partial`, trained as a study trains
    it, or an estimator of scikit-learn's or of the study's own package."""
    if is_estimator(build):
        drawn = draw_blueprint(build, package)
        variant = {"function": _written(build), "keywords": {}, "rebuildable": drawn is not None}
        return variant if drawn is None else variant | {"estimator": drawn}
    function: Any = build
    keywords: dict[str, Any] = {}
    whole = True
    while isinstance(function, partial):
        keywords = {**function.keywords, **keywords}
        whole = whole and not function.args
        function = function.func
    named = inspect.isfunction(function)
    # a notebook's own function is gone with its kernel
    lasting = named and "<" not in function.__qualname__ and function.__module__ != "__main__"
    variant = {
        "function": f"{function.__module__}:{function.__qualname__}" if named else repr(function),
        "keywords": keywords,
        "rebuildable": lasting and whole and _are_plain(keywords) and _is_usual(recipe),
    }
    if named:
        variant |= {"epochs": recipe.epochs, "batch_size": recipe.batch_size}
    return variant


def _is_usual(recipe: Recipe) -> bool:
    """Tell whether a study trains so: its records keep epochs and batch size, and nothing else."""
    return not recipe.callbacks and recipe.targets == "auto" == recipe.scale_target


def _written(estimator: Any) -> str:
    """Return an estimator as it writes itself, in one line."""
    return " ".join(repr(estimator).split())


def _are_plain(value: Any) -> bool:
    """Tell whether a record gives the same back (a tuple as a list, NumPy's numbers as numbers)."""
    if isinstance(value, dict):
        return all(map(_are_plain, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_are_plain, value))
    return value is None or isinstance(value, (bool, int, float, str)) or hasattr(value, "tolist")
