"""How much too good the score of the best of several models is, from out-of-fold predictions.

Bootstrap bias-corrected cross-validation (Tsamardinos, Greasidou & Borboudakis 2018, *Machine
Learning* 107, section 4): the best is chosen on drawn rows and scored on the rows not drawn, which
had no say. Nothing is trained.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ninefold.errors import NinefoldError
from ninefold.study.metrics import METRICS
from ninefold.study.statistics.weighted import weighted_scores

Choose = Callable[[np.ndarray], np.ndarray]

_MOST_AT_ONCE = 2**21  # rows of all draws that are in memory together
_MOST_RANKED, _FEWEST = 2**28, 200  # answers that are ranked, draws for that


@dataclass(frozen=True, eq=False)
class Candidates:
    """What several models answered, out of fold, for the same rows.

    metric   that decides, one of ninefold's
    y        (n,) class codes, or numbers
    answers  (candidates, sets, n, K) as `metrics.score` takes them, of a regression (candidates,
             sets, n); a set is one answer for every row, of a repeat (or of another seed)
    groups   (n,) of rows that are drawn together; None: each row alone
    """

    metric: str
    y: np.ndarray
    answers: np.ndarray
    groups: np.ndarray | None = None

    @property
    def sign(self) -> int:
        """Return 1 if a greater score is better, else −1."""
        return 1 if METRICS[self.metric].greater_is_better else -1

    @property
    def is_classification(self) -> bool:
        return self.answers.ndim == 4

    def affordable(self, draws: int) -> int:
        """Return how many of so many draws take seconds: a metric that ranks rows looks at each of
        their answers in each draw."""
        if METRICS[self.metric].takes != "ranking":
            return draws
        return min(draws, max(_FEWEST, _MOST_RANKED // self.answers.size))

    def scores(self, weights: np.ndarray) -> np.ndarray:
        """Return the mean score of each candidate over its sets, in each draw of the rows (draws,
        candidates)."""
        flat = self.answers.reshape(-1, *self.answers.shape[2:])
        found = weighted_scores(self.metric, self.y, flat, weights)
        return found.reshape(len(weights), *self.answers.shape[:2]).mean(axis=2)


@dataclass(frozen=True)
class Optimism:
    """What choosing the best of several did to its score.

    flat       the score of the best on the rows that chose it, over all sets
    corrected  what is left of it
    optimism   how much too good `flat` is, in units of the metric: positive if it is too good,
               whether more is better or less
    best       the number of the best candidate
    """

    flat: float
    corrected: float
    optimism: float
    best: int


def correct_for_choice(
    candidates: Candidates, *, choose: Choose | None = None, seed: int = 1, draws: int = 1_000
) -> Optimism:
    """Return the score of the chosen candidate, corrected for the choice.

    choose  (draws, candidates) scores, of which more is better → (draws,) numbers of candidates;
            None: the best

    In each draw the chosen one is set beside the one that all rows choose, on the rows not drawn:
    the mean difference is the optimism. For a mean over rows that is the paper's estimate, since
    the rows not drawn give the flat score in the mean; it has less noise from the draws, is 0 for a
    single candidate, and is not moved by scores of few rows being others than those of many (RMSE).

    Raises NinefoldError where the score is not defined on the rows or in no draw.
    """
    choose, generator = choose or choose_best, np.random.default_rng(seed)
    draws = candidates.affordable(draws)
    flat = candidates.scores(np.ones((1, len(candidates.y))))
    must_be_defined(flat)
    best = int(choose(known(candidates.sign * flat))[0])
    lost = np.concatenate(
        [_lost(candidates, best, choose, draw_rows(candidates, part, generator))
         for part in parts_of(draws, len(candidates.y))]
    )  # fmt: skip
    if not len(lost):
        raise NinefoldError(
            "the optimism of the choice cannot be estimated",
            "expected rows of each class among those that a draw leaves out",
        )
    score, optimism = float(flat[0, best]), float(lost.mean())
    return Optimism(score, score - candidates.sign * optimism, optimism, best)


def _lost(candidates: Candidates, best: int, choose: Choose, drawn: np.ndarray) -> np.ndarray:
    """Return how much worse than the best the one chosen in each draw is on the rows not drawn."""
    chosen = choose(known(candidates.sign * candidates.scores(drawn)))
    others = candidates.sign * candidates.scores((drawn == 0).astype(float))
    lost = others[:, best] - others[np.arange(len(drawn)), chosen]
    return lost[np.isfinite(lost)]


def parts_of(draws: int, rows: int) -> list[int]:
    """Return into how many draws at a time so many are divided: of many rows fewer."""
    most = max(1, min(draws, _MOST_AT_ONCE // rows))
    return [min(most, draws - start) for start in range(0, draws, most)]


def draw_rows(candidates: Candidates, draws: int, generator: np.random.Generator) -> np.ndarray:
    """Return how often each row is in each of the draws with replacement, (draws, n): of as many
    rows as there are, of each class as many as it has; of groups, as many whole ones."""
    strata, numbers = units_of(candidates)
    drawn = np.zeros((draws, numbers.max() + 1), dtype=int)
    for units in strata:
        even = np.full(len(units), 1 / len(units))
        drawn[:, units] = generator.multinomial(len(units), even, size=draws)
    return drawn[:, numbers]


def units_of(candidates: Candidates) -> tuple[list[np.ndarray], np.ndarray]:
    """Return what is drawn as a whole, in strata, and of each row (n,) the unit that it is in:
    rows, those of each class a stratum; or groups, all in one."""
    if candidates.groups is not None:
        numbers = np.unique(candidates.groups, return_inverse=True)[1]
        return [np.arange(numbers.max() + 1)], numbers
    rows = np.arange(len(candidates.y))
    if not candidates.is_classification:
        return [rows], rows
    return [np.flatnonzero(candidates.y == code) for code in np.unique(candidates.y)], rows


def known(scores: np.ndarray) -> np.ndarray:
    """Return scores of which more is better, −∞ where one is not defined: nobody chooses it."""
    return np.where(np.isfinite(scores), scores, -np.inf)


def must_be_defined(flat: np.ndarray) -> None:
    """Raise NinefoldError where no candidate has a score on all rows."""
    if not np.isfinite(flat).any():
        raise NinefoldError(
            "no candidate has a score: nothing to choose from",
            "expected finite answers and rows of each class",
        )


def choose_best(scores: np.ndarray) -> np.ndarray:
    """Return the number of the best candidate in each draw."""
    return scores.argmax(axis=1)


def simplest_within(ranks: Sequence[int], errors: Callable[[int], np.ndarray]) -> Choose:
    """Return the rule that chooses the simplest candidate within one standard error of the best
    (Breiman et al. 1984), for `correct_for_choice` and `expected_range`.

    ranks   (candidates,) the simplest has the least; no two alike
    errors  the number of a candidate → (candidates,) standard errors of the others' differences
            from it; NaN where none is known
    """
    order, known_errors = np.asarray(ranks), dict[int, np.ndarray]()

    def choose(scores: np.ndarray) -> np.ndarray:
        best, chosen = scores.argmax(axis=1), np.empty(len(scores), dtype=int)
        for number in np.unique(best).tolist():
            here = best == number
            if number not in known_errors:
                known_errors[number] = np.nan_to_num(errors(number))
            lost = scores[here, number][:, None] - scores[here]
            near = lost <= known_errors[number]
            near[:, number] = True
            chosen[here] = np.where(near, order, np.inf).argmin(axis=1)
        return chosen

    return choose
