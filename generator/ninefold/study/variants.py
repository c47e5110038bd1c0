"""A variant: a model function with its keyword arguments, as records keep it; and the best one."""

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

from ninefold.errors import NinefoldError
from ninefold.plain_json import digest
from ninefold.records import EvaluationEntry, Mean, Record
from ninefold.study.metrics import METRICS
from ninefold.study.training import Recipe


@dataclass(frozen=True)
class Variant:
    """What it takes to build and train a recorded network again, and what it scored."""

    name: str
    section: str
    function: str  # "module:function"
    keywords: dict[str, Any]
    epochs: int
    batch_size: int
    members: int  # networks whose predictions are averaged
    selected_from: int
    record: EvaluationEntry = field(repr=False)

    @property
    def summary(self) -> dict[str, Mean]:
        """Return its scores: metric → mean and interval."""
        return self.record["summary"]


def choose_best(records: Sequence[Record], metric: str) -> Variant:
    """Return the best rebuildable network of the records by the mean of `metric`.

    A network trained again from another seed is the same variant, and no candidate: the best of
    many seeds is luck. One judged again to the same result, as the control of a notebook is in
    each point of its grid, is one candidate.

    Raises NinefoldError where there is none.
    """
    found = [
        (record.section, name, evaluation)
        for record in records
        for name, evaluation in record.evaluations.items()
        if evaluation["variant"]["rebuildable"]
        and "epochs" in evaluation["variant"]
        and evaluation["engine"] != "scikit-learn"
        and evaluation["summary"][metric]["mean"] is not None  # defined in no fold
        and evaluation["variant"]["model_seed"] == 0
    ]
    if not found:
        raise NinefoldError(
            "no network has been evaluated yet", todo="run the experiments of section 5 first"
        )
    distinct: dict[str, tuple[str, str, EvaluationEntry]] = {}
    for item in found:
        alike = digest([item[2][part] for part in ("variant", "members", "summary")])
        distinct.setdefault(alike, item)
    section, name, best = max(distinct.values(), key=lambda item: skill(item[2], metric))
    variant = best["variant"]
    _, _, point = section.partition("@")
    return Variant(
        name=f"{name} ({point})" if point else name,
        section=section,
        function=variant["function"],
        keywords=variant["keywords"],
        epochs=variant["epochs"],
        batch_size=variant["batch_size"],
        members=best["members"],
        selected_from=len(distinct),
        record=best,
    )


def skill(evaluation: EvaluationEntry, metric: str) -> float:
    """Return the mean of a recorded evaluation so that more is better; −∞ where the metric is
    defined in no fold."""
    mean = evaluation["summary"][metric]["mean"]
    sign = 1 if METRICS[metric].greater_is_better else -1
    return -math.inf if mean is None else sign * mean


def model_function(variant: Variant) -> partial:
    """Return the model function of a recorded variant, its keyword arguments bound.

    Raises NinefoldError where there is none of its name any more.
    """
    module, name = variant.function.split(":")
    try:
        return partial(getattr(import_module(module), name), **variant.keywords)
    except (ImportError, AttributeError):
        raise NinefoldError(
            f"'{variant.function}', which made {variant.name}, does not exist any more",
            todo=f"run {variant.section} again",
        ) from None


def describe_variant(build: Any, recipe: Recipe) -> dict[str, Any]:
    """Return what a record keeps of a variant: enough to build it again where it is a function
    of a module, with keyword arguments bound by `functools.partial`."""
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
        "rebuildable": lasting and whole and _are_plain(keywords),
    }
    if named:
        variant |= {"epochs": recipe.epochs, "batch_size": recipe.batch_size}
    return variant


def _are_plain(value: Any) -> bool:
    """Tell whether a record gives the same back (a tuple as a list, NumPy's numbers as numbers)."""
    if isinstance(value, dict):
        return all(map(_are_plain, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_are_plain, value))
    return value is None or isinstance(value, (bool, int, float, str)) or hasattr(value, "tolist")
