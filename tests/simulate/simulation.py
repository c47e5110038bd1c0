"""What a simulation measures: rows of a table, each beside its target."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import sqrt

import numpy as np


@dataclass(frozen=True)
class Row:
    """One figure of the table.

    setting   under what it was measured: "log loss, 6 positives"
    quantity  what it is: "coverage", "false skill", "power"
    value     the share of draws, or a mean over them
    draws     how many data sets were drawn
    low, high the target, both ends included; open where infinite
    error     Monte Carlo standard error of `value`; None: that of a share
    """

    setting: str
    quantity: str
    value: float
    draws: int
    low: float = -np.inf
    high: float = np.inf
    error: float | None = None

    @property
    def standard_error(self) -> float:
        if self.error is not None:
            return self.error
        # of a share, as if one draw more had gone each way: not 0 where all went one way
        share = (self.value * self.draws + 1) / (self.draws + 2)
        return sqrt(share * (1 - share) / self.draws)

    def is_fine(self, errors: float = 2) -> bool:
        """Tell whether the target holds, up to so many standard errors."""
        slack = errors * self.standard_error
        return self.low - slack <= self.value <= self.high + slack


Measure = Callable[[int, np.random.Generator], Iterator[Row]]


@dataclass(frozen=True)
class Simulation:
    """A function (draws, generator) → rows, and how many draws the whole table takes."""

    name: str
    draws: int
    measure: Measure = field(repr=False)

    def run(self, share: float = 1.0) -> list[Row]:
        """Measure with a share of the draws; each simulation draws from a seed of its own."""
        generator = np.random.default_rng(zlib.crc32(self.name.encode()))
        return list(self.measure(max(2, round(share * self.draws)), generator))


SIMULATIONS: dict[str, Simulation] = {}


def simulation(draws: int) -> Callable[[Measure], Measure]:
    """Put a function into the table under its name."""

    def enter(measure: Measure) -> Measure:
        name = measure.__name__.replace("_", " ")
        SIMULATIONS[name] = Simulation(name, draws, measure)
        return measure

    return enter
