"""Which section may start next, which never will, and how many cores each one gets."""

from collections.abc import Collection, Mapping
from typing import Literal

State = Literal["running", "ran", "kept", "failed", "skipped"]

Reads = Mapping[str, Collection[str]]  # each section of a run, in its order → those it reads
States = Mapping[str, State]  # sections that wait have none

_GOOD = ("ran", "kept")
_BAD = ("failed", "skipped")


def ready(reads: Reads, states: States) -> list[str]:
    """Return the waiting sections whose reads are all done, in the order of the run.

    What a section reads counts only where it is part of the run.
    """
    return [
        section
        for section in reads
        if section not in states
        and all(states.get(read) in _GOOD for read in reads[section] if read in reads)
    ]


def stopped(reads: Reads, states: States) -> dict[str, str]:
    """Return the waiting sections that cannot run any more → the first one they read that failed
    or was skipped."""
    found: dict[str, str] = {}
    for section in reads:
        if section not in states:
            for read in reads[section]:
                if states.get(read) in _BAD:
                    found[section] = read
                    break
    return found


def share(cores: int, slots: int, shares: Collection[int], waiting: int) -> int:
    """Return how many of `cores` the next section gets; 0 where none may start now.

    shares   of the sections that run, each at least 1
    waiting  sections that could start now

    All that run or could start share alike, `slots` of them at most. No more cores are given away
    than there are; with more slots than cores each section still gets one.
    """
    if len(shares) >= slots or not waiting:
        return 0
    together = min(len(shares) + waiting, slots)
    free = max(cores, slots) - sum(shares)
    return min(max(cores // together, 1), free)
