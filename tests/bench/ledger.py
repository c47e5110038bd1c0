"""What was measured, put together: seconds, ratios and targets, ready for JSON."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from problems import PROBLEMS
from runs import SERIES, Entry, Job

Outcome = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """A ratio that is asked for: seconds of `slow` by seconds of `fast`, two (group, label)."""

    claim: str
    slow: tuple[str, str]
    fast: tuple[str, str]
    at_least: float = 0.0
    below: float = float("inf")

    def met(self, ratio: float) -> bool:
        return self.at_least <= ratio < self.below


def _over_fit(group: str, times: int) -> Target:
    claim = f"{PROBLEMS[group].title}: at least {times} times faster than model.fit"
    return Target(claim, (group, "model.fit"), (group, "ninefold"), at_least=times)


def _over_scikit_learn(jobs: str) -> Target:
    claim = f"plain MLP: faster than scikit-learn with {jobs}"
    return Target(claim, ("plain", f"scikit-learn, {jobs}"), ("plain", "ninefold"), at_least=1)


TARGETS = (
    _over_fit("plain", 50),
    _over_scikit_learn("1 job"),
    _over_scikit_learn("2 jobs"),
    _over_fit("regularised", 25),
    _over_fit("cnn", 8),
    *(_over_fit(name, 4) for name in ("lstm", "gru", "conv1d", "logger")),
    _over_fit("checkpoint", 2),  # half of the time Keras writes files
    Target("ten variants: less than 4 times one", ("variants", "10"), ("variants", "1"), below=4),
)


def total_seconds(outcome: Outcome, job: Job) -> float:
    """Return seconds for all fits of a job: those measured, or from the folds that were, the one
    that warms up counted once and the mean of the others for each fold left."""
    if "seconds" in outcome:
        return outcome["seconds"]
    first, *others = outcome["fold_seconds"]
    return first + statistics.fmean(others) * (job.fits - 1)


def summarise(measured: Sequence[tuple[Entry, Outcome]]) -> dict[str, Any]:
    """Return everything that is shown, ready for JSON: a row an entry, and the targets.

    Seconds are the median over rounds. `ratio` says in a race how many times faster than
    model.fit a way is, in a series how many times longer than its first size a size takes.
    """
    by_entry: dict[Entry, list[Outcome]] = {}
    for entry, outcome in measured:
        by_entry.setdefault(entry, []).append(outcome)
    rows = [_row(entry, outcomes) for entry, outcomes in by_entry.items()]
    seconds = {(row["group"], row["label"]): row["seconds"] for row in rows if not row["failed"]}
    for group in {row["group"] for row in rows}:
        _compare([row for row in rows if row["group"] == group and not row["failed"]])
    return {"rows": rows, "targets": list(_judge(seconds))}


def _row(entry: Entry, outcomes: list[Outcome]) -> dict[str, Any]:
    row = {"group": entry.group, "label": entry.label, "job": asdict(entry.job)}
    failed = [outcome["failed"] for outcome in outcomes if "failed" in outcome]
    if failed:
        return row | {"failed": failed[0]}
    samples = [total_seconds(outcome, entry.job) for outcome in outcomes]
    last = outcomes[-1]
    return row | {
        "failed": None,
        "seconds": statistics.median(samples),
        "samples": samples,
        "fold_seconds": [outcome.get("fold_seconds") for outcome in outcomes],
        "peak_bytes": max(outcome["peak_bytes"] for outcome in outcomes),
        "scores": last["scores"],
        "rows": last["rows"],
        "engine": last["engine"],
    }


def _compare(rows: list[dict[str, Any]]) -> None:
    """Add to the rows of one group their ratios and scores, the latter also over those folds that
    all of them scored."""
    if not rows:
        return
    race = rows[0]["group"] not in SERIES
    shared = min(len(row["scores"]) for row in rows)
    base = rows[0]["seconds"] if not race or rows[0]["label"] == "model.fit" else None
    for row in rows:
        ratio = base and (base / row["seconds"] if race else row["seconds"] / base)
        row["ratio"] = ratio
        row["score"] = statistics.fmean(row["scores"])
        if race:
            row["shared_folds"] = shared
            row["shared_score"] = statistics.fmean(row["scores"][:shared])


def _judge(seconds: dict[tuple[str, str], float]) -> Iterator[dict[str, Any]]:
    for target in TARGETS:
        if target.slow in seconds and target.fast in seconds:
            ratio = seconds[target.slow] / seconds[target.fast]
            yield {"claim": target.claim, "measured": ratio, "met": target.met(ratio)}
