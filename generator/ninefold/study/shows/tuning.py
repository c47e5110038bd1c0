"""Section 6: what a search found and at which borders, its nested estimate, and ensembles."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.study.estimates import interval_of
from ninefold.study.evaluation import Evaluation
from ninefold.study.metrics import METRICS
from ninefold.study.tables import make_table

if TYPE_CHECKING:
    from ninefold.study.notebook import Study

_NEAR = 0.1  # of a setting's range: so close to its end the best value counts as at the border


def search(study: "Study", space: Mapping[str, Any], prefix: str = "trial") -> None:
    """Each setting against the score, the best trial marked; what was spent; the borders.

    space  setting → a list of values, or a SciPy distribution
    """
    trials = _trials(study, prefix)
    metric, record = study.metric, study.recorder
    label = METRICS[metric].label
    means = [e.interval(metric).mean for e in trials.values()]
    best = int(np.argmax(means) if METRICS[metric].greater_is_better else np.argmin(means))
    settings = [e.variant["keywords"] for e in trials.values()]
    record.fact(
        "{budget:integer} trials were drawn, {fits:integer} networks trained in "
        "{seconds:duration}. The best is {best_name}, selected from {budget:integer} and therefore "
        "optimistic: {best_score:score} {metric_label}.",
        budget=len(trials), fits=sum(e.fits for e in trials.values()),
        seconds=sum(e.fit_seconds for e in trials.values()),
        best_name=list(trials)[best], best_score=means[best], metric_label=label,
    )  # fmt: skip
    order = np.argsort(means, kind="stable")
    order = order[::-1] if METRICS[metric].greater_is_better else order
    names = list(trials)
    record.table(
        "trials",
        make_table(
            "All trials, the best on top.",
            [("trial", "text"), (label, "score"), *[(name, "") for name in space]],
            [[names[i], means[i], *[_plain(settings[i][name]) for name in space]] for i in order],
        ),
    )
    panels = [
        {"title": name, "x": [_plain(s[name]) for s in settings], "log": _is_log(values)}
        for name, values in space.items()
    ]
    better = "right" if METRICS[metric].greater_is_better else "left"
    record.figure(
        "search",
        "search",
        {"panels": panels, "y": means, "y_label": label, "best": best, "better": better},
        alt=f"{label} of each trial against each setting: {', '.join(space)}.",
        caption="Every trial appears once in each panel; the best is marked.",
    )
    at_border = [n for n, values in space.items() if _at_border(settings[best][n], values)]
    if at_border:
        record.fact(
            "The best value of {border} lies at the border of what was searched: widen it, where "
            "it can be.",
            border=at_border,
        )
    else:
        record.fact("No setting drawn from a range has its best value at a border of it.")


def nested_estimate(study: "Study", prefix: str = "trial") -> None:
    """The flat score of the best trial beside the nested one.

    Nested: in each fold the trial with the lowest loss on the inner validation rows is chosen and
    scored on the test rows, which had no say (Varma & Simon 2006; Cawley & Talbot 2010, with a
    hold-out as the inner loop). Flat: the best mean over the very test folds that chose it.
    """
    trials, metric, record = _trials(study, prefix), study.metric, study.recorder
    inner = np.array([e.inner_loss() for e in trials.values()])  # (trials, folds × repeats)
    if inner.size == 0:
        raise NinefoldError(
            "there is no inner validation split to choose by", todo="set harness.validation above 0"
        )
    inner = np.where(np.isfinite(inner), inner, np.inf)
    outer = np.array([e.values(metric) for e in trials.values()])
    chosen = outer[inner.argmin(axis=0), np.arange(outer.shape[1])]
    greater = METRICS[metric].greater_is_better
    means = [e.interval(metric).mean for e in trials.values()]
    flat = max(means) if greater else min(means)
    protocol = next(iter(trials.values())).protocol
    nested = interval_of(chosen, metric, protocol)
    optimism = (flat - nested.mean) if greater else (nested.mean - flat)
    record.fact(
        "Flat estimate of the search: {flat:score} {metric_label}. Nested: {nested:pm}. The "
        "difference, {optimism:signed}, estimates the optimism of choosing the best of "
        "{trials:integer} on the folds that judge it.",
        flat=float(flat), metric_label=METRICS[metric].label, trials=len(trials),
        nested={"mean": nested.mean, "low": nested.low, "high": nested.high},
        optimism=float(optimism),
    )  # fmt: skip


def members(study: "Study", sizes: Sequence[int], prefix: str = "mean of") -> None:
    """Score against the number of members, and how much one seed differs from another."""
    metric, record = study.metric, study.recorder
    label = METRICS[metric].label
    found = [study.evaluations[f"{prefix} {size}"].interval(metric) for size in sizes]
    singles = np.array(
        [e.values(metric) for k, e in study.evaluations.items() if k.startswith("seed ")]
    )
    record.fact(
        "From seed to seed, on the same split, the {metric_label} of one network varies with a "
        "standard deviation of {seed_spread:significant}; from fold to fold with "
        "{fold_spread:significant}.",
        metric_label=label,
        seed_spread=float(np.sqrt(singles.var(axis=0, ddof=1).mean())),
        fold_spread=float(singles.mean(axis=0).std(ddof=1)),
    )  # fmt: skip
    record.figure(
        "members",
        "lines",
        {
            "series": [
                {
                    "name": "mean of members",
                    "x": list(sizes),
                    "y": [i.mean for i in found],
                    "low": [i.low for i in found],
                    "high": [i.high for i in found],
                }
            ],
            "x_label": "members",
            "y_label": label,
        },
        alt=f"{label} against the number of networks whose predictions are averaged.",
        caption=f"Mean over the folds; {study.harness.protocol().no_test}."
        if study.harness.protocol().no_test
        else "Mean over the folds with its corrected 95 % interval. The intervals are wide for "
        "reasons that all sizes share; the paired differences above compare them.",
    )


def _trials(study: "Study", prefix: str) -> dict[str, Evaluation]:
    trials = {k: e for k, e in study.evaluations.items() if k.startswith(prefix)}
    if not trials:
        raise NinefoldError(
            f"no evaluation is called '{prefix} …'", "expected the trials of a search"
        )
    return trials


def _plain(value: Any) -> Any:
    """Shapes of layers and other composites are categories, shown as text."""
    return "-".join(map(str, value)) if isinstance(value, (tuple, list)) else value


def _is_log(values: Any) -> bool:
    return getattr(getattr(values, "dist", None), "name", "") == "loguniform"


def _at_border(value: Any, values: Any) -> bool:
    """Say whether a drawn value lies in the first or last tenth of its distribution."""
    if not hasattr(values, "cdf"):
        return False
    share = float(values.cdf(value))
    return share < _NEAR or share > 1 - _NEAR
