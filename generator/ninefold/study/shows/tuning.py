"""Section 6: what a search found and at which borders, its nested estimate, and ensembles."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ninefold.errors import NinefoldError
from ninefold.study.evaluation import Evaluation
from ninefold.study.expectation import gather, limits_of
from ninefold.study.kept_predictions import frames_of
from ninefold.study.metrics import METRICS
from ninefold.study.statistics.optimism import correct_for_choice
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
    """The score of the best trial, the same corrected for the choice, and the nested estimate.

    Corrected: by bootstrap bias-corrected cross-validation (see `statistics.optimism`). Nested: in
    each fold the trial with the lowest loss on the inner validation rows is chosen and scored on
    the test rows, which had no say (Varma & Simon 2006; Cawley & Talbot 2010, with a hold-out as
    the inner loop): the score of another procedure, which chooses by fewer rows; estimated as each
    trial's is.
    """
    trials, metric, record = _trials(study, prefix), study.metric, study.recorder
    label, greater = METRICS[metric].label, METRICS[metric].greater_is_better
    means = [e.interval(metric).mean for e in trials.values()]
    flat = float(np.nanmax(means) if greater else np.nanmin(means))
    _corrected(study, trials, flat)
    inner = np.array([e.inner_loss() for e in trials.values()])  # (trials, folds × repeats)
    if inner.size == 0:
        raise NinefoldError(
            "there is no inner validation split to choose by", todo="set harness.validation above 0"
        )
    inner = np.where(np.isfinite(inner), inner, np.inf)
    nested = _chosen(list(trials.values()), inner.argmin(axis=0)).interval(metric)
    record.fact(
        "The inner validation rows of each fold choose a trial, too. The {metric_label} of that "
        "procedure is {nested:pm} (nested estimate).",
        metric_label=label, nested={"mean": nested.mean, "low": nested.low, "high": nested.high},
    )  # fmt: skip


def _chosen(trials: Sequence[Evaluation], choice: np.ndarray) -> Evaluation:
    """Return the evaluation of a procedure that chooses one of the trials, networks, in each fold.

    choice  (folds × repeats,) the number of the trial
    """
    first = trials[0]
    places = first.scores[["repeat", "fold"]].itertuples(index=False, name=None)
    its = [(trials[number], place) for number, place in zip(choice, places, strict=True)]
    seeds = range(min(len(trial.replicates) for trial in trials))
    return replace(
        first,
        scores=pd.concat([_in_fold(e.scores, place) for e, place in its], ignore_index=True),
        predictions=pd.concat(
            [_in_fold(e.predictions, place) for e, place in its], ignore_index=True
        ),
        diverged=tuple(place for e, place in its if place in e.diverged),
        replicates=tuple(_chosen([e.replicates[seed] for e in trials], choice) for seed in seeds),
    )


def _in_fold(frame: pd.DataFrame, place: tuple[int, int]) -> pd.DataFrame:
    return frame[(frame["repeat"] == place[0]) & (frame["fold"] == place[1])]


def _corrected(study: "Study", trials: Mapping[str, Evaluation], flat: float) -> None:
    """State the best trial's score and what is left of it."""
    metric, record = study.metric, study.recorder
    label, no_test = METRICS[metric].label, study.harness.protocol().no_test
    try:
        if no_test:
            raise NinefoldError(no_test)
        candidates, _ = gather([frames_of(e) for e in trials.values()], study)
        found = correct_for_choice(candidates, seed=study.seed)
    except NinefoldError as error:
        record.fact(
            "The best of {trials:integer} trials has {flat:score} {metric_label}. The optimism of "
            "this choice is not estimated ({why}).",
            flat=flat, metric_label=label, trials=len(trials), why=str(error),
        )  # fmt: skip
        return
    corrected = float(np.clip(flat - candidates.sign * found.optimism, *limits_of(study)))
    record.fact(
        "The best of {trials:integer} trials has {flat:score} {metric_label} (flat estimate). The "
        "folds that judge it also chose it. Corrected for that, {corrected:score} is left: an "
        "optimism of {optimism:significant} (bootstrap bias-corrected cross-validation).",
        flat=flat, metric_label=label, trials=len(trials), corrected=corrected,
        optimism=found.optimism,
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
