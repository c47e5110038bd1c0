"""In which range the score on the hold-out should lie, predicted before it is looked at.

A draw goes the whole way that led to the final model: the candidates are chosen among on drawn
rows, and the chosen one is scored on as many of the rows not drawn as the hold-out has. The draws
carry the choice, the rows of both sets and the skewness of a loss. Two things they cannot know are
added: what other training rows would have done (the corrected variance of the folds' scores, less
what is row sampling; Nadeau & Bengio 2003), and errors larger than any seen (see `tails`).

Coverage of 95 % ranges by simulation (75 to 150 data sets each, `tests/simulate/of_optimism.py`):
of a log loss 95 % for one model, 93 to 100 % after the best of twelve; of accuracy 99 %; with 6 %
positives 99 % of a log loss, 95 % of average precisions; of an RMSE under t₂.₅ noise 94 to 95 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.study.metrics import METRICS
from ninefold.study.statistics.optimism import (
    Candidates,
    Choose,
    choose_best,
    draw_rows,
    known,
    must_be_defined,
    parts_of,
    units_of,
)
from ninefold.study.statistics.sampled import FEWEST_GROUPS
from ninefold.study.statistics.tails import replace_tail
from ninefold.study.statistics.weighted import row_losses, weighted_scores

_LEAST_DEFINED = 0.5  # of the draws, for a range


@dataclass(frozen=True)
class FoldScores:
    """The scores of the chosen candidate in its J folds (J,), with the mean rows of an outer
    training fold and of a test fold."""

    scores: np.ndarray
    n_train: float
    n_test: float


@dataclass(frozen=True)
class ExpectedRange:
    """The score that the hold-out should show: the mean of the draws, and their middle part."""

    mean: float
    low: float
    high: float


def expected_range(
    candidates: Candidates,
    sizes: Sequence[int],
    folds: FoldScores,
    *,
    choose: Choose | None = None,
    seed: int = 1,
    draws: int = 2_000,
    confidence: float = 0.95,
) -> ExpectedRange:
    """Return the range in which the chosen candidate's score on the hold-out should lie.

    sizes   of the hold-out: (K,) rows of each class; of a regression (1,) rows; if the candidates
            have groups (1,) groups
    folds   of the candidate that was chosen
    choose  as for `correct_for_choice`

    Of ROC AUC the range is moved to the mean of the folds, in each of which one model ranks: the
    drawn rows are of several folds, whose models may rank on scales of their own (Airola et al.
    2011, *Computational Statistics & Data Analysis* 55), as the final model does not.

    Raises NinefoldError where the score is not defined on the rows, or in too few draws, and for
    fewer than five groups or two folds.
    """
    choose, generator = choose or choose_best, np.random.default_rng(seed)
    draws = candidates.affordable(draws)
    strata, _ = units_of(candidates)
    if candidates.groups is not None and len(strata[0]) < FEWEST_GROUPS:
        raise NinefoldError(
            f"{len(strata[0])} groups predict no range", f"expected {FEWEST_GROUPS} at least"
        )
    everything = known(candidates.sign * candidates.scores(np.ones((1, len(candidates.y)))))
    must_be_defined(everything)
    scores = np.concatenate(
        [_drawn_scores(candidates, sizes, choose, part, generator)
         for part in parts_of(draws, len(candidates.y))]
    )  # fmt: skip
    best = int(choose(everything)[0])
    spread = np.sqrt(_variance_of_training(candidates, best, folds, generator))
    scores += spread * generator.standard_t(len(folds.scores) - 1, size=draws)
    if candidates.metric == "roc_auc":
        scores += np.nanmean(folds.scores) - everything[0, best]
    return _middle(scores, candidates, confidence)


def _drawn_scores(
    candidates: Candidates,
    sizes: Sequence[int],
    choose: Choose,
    draws: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return the scores (draws,) of those chosen on drawn rows, each on a hold-out of the others,
    by one set of its answers: the final model is one, too."""
    drawn = draw_rows(candidates, draws, generator)
    chosen = choose(known(candidates.sign * candidates.scores(drawn)))
    sets = generator.integers(candidates.answers.shape[1], size=draws)
    held = _hold_out(candidates, drawn == 0, sizes, generator)
    scores = np.full(draws, np.nan)
    for candidate, one in sorted(set(zip(chosen.tolist(), sets.tolist(), strict=True))):
        here = np.flatnonzero((chosen == candidate) & (sets == one))
        scores[here] = _scores(candidates, candidate, one, held[here], generator)
    return scores


def _middle(scores: np.ndarray, candidates: Candidates, confidence: float) -> ExpectedRange:
    defined = scores[np.isfinite(scores)]
    if len(defined) < _LEAST_DEFINED * len(scores):
        raise NinefoldError(
            "no range can be predicted for the hold-out",
            "its score is not defined on most draws of so few rows",
        )
    tail = (1 - confidence) / 2
    n_classes = candidates.answers.shape[-1] if candidates.is_classification else 0
    limits = METRICS[candidates.metric].limits(n_classes)
    found = [defined.mean(), *np.quantile(defined, [tail, 1 - tail])]
    return ExpectedRange(*(float(number) for number in np.clip(found, *limits)))


def _hold_out(
    candidates: Candidates, free: np.ndarray, sizes: Sequence[int], generator: np.random.Generator
) -> np.ndarray:
    """Return how often each row is in a hold-out drawn from the rows that are free in a draw, of
    each class as many as `sizes` says (draws, n); of a class that has none free, from all of it."""
    strata, numbers = units_of(candidates)
    if len(sizes) != len(strata):
        raise NinefoldError(
            f"the hold-out has {len(sizes)} sizes", f"expected one for each of {len(strata)} strata"
        )
    firsts = np.unique(numbers, return_index=True)[1]
    open_units = free[:, firsts].astype(float)
    held = np.zeros(open_units.shape, dtype=int)
    for units, size in zip(strata, sizes, strict=True):
        chances = open_units[:, units]
        chances[chances.sum(axis=1) == 0] = 1
        chances /= chances.sum(axis=1, keepdims=True)
        held[:, units] = generator.multinomial(size, chances)
    return held[:, numbers]


def _scores(
    candidates: Candidates, number: int, one: int, held: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Return the score of one set of a candidate's answers in each drawn hold-out."""
    answers = candidates.answers[number, one]
    if candidates.metric not in ("rmse", "mae"):
        return weighted_scores(candidates.metric, candidates.y, answers[None], held)[:, 0]
    power = 2 if candidates.metric == "rmse" else 1
    errors = row_losses("mae", candidates.y, answers)
    draw, row = np.nonzero(held)
    times = held[draw, row]
    draw, row = np.repeat(draw, times), np.repeat(row, times)
    sizes = np.bincount(draw, minlength=len(held))
    losses = replace_tail(errors, row, draw, len(held), generator) ** power
    return (np.bincount(draw, losses, minlength=len(held)) / sizes) ** (1 / power)


def _variance_of_training(
    candidates: Candidates, best: int, folds: FoldScores, generator: np.random.Generator
) -> float:
    """Return the corrected variance of the mean of the folds' scores, less what the sampling of
    rows explains of it; not below 0."""
    scores = folds.scores[np.isfinite(folds.scores)]
    if len(scores) < 2:
        raise NinefoldError("one fold: no range", "expected the scores of two folds at least")
    rows = len(candidates.y)
    share = folds.n_test / rows
    corrected = scores.var(ddof=1) * (1 / len(scores) + folds.n_test / folds.n_train)
    strata, _ = units_of(candidates)
    sizes = [max(1, round(len(units) * share)) for units in strata]
    tests = _hold_out(candidates, np.ones((400, rows), dtype=bool), sizes, generator)
    with np.errstate(invalid="ignore"):
        scored = weighted_scores(candidates.metric, candidates.y, candidates.answers[best], tests)
    by_rows = [own[np.isfinite(own)].var() for own in scored.T if np.isfinite(own).sum() > 1]
    return max(0.0, float(corrected - share * np.mean(by_rows or [0.0])))
