"""The hold-out under watch: a notebook that takes its rows by itself is logged.

ninefold's own verbs read it for the look, which is logged by itself, and for its size. Only the
attribute `holdout` is watched; `study.holdout_inputs` tells by itself. What opens the data file, or
asks Python for an object's parts, cannot be seen.
"""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from ninefold.study.split_data import SplitData


class WatchedSplit(SplitData):
    """Rows as they were divided, whose hold-out tells when code other than ninefold's takes it."""

    @classmethod
    def of(cls, split: SplitData, tell: Callable[[], None]) -> "WatchedSplit":
        """Return the same rows; `tell` is called before other code gets the hold-out."""
        watched = cls(**vars(split))
        object.__setattr__(watched, "_tell", tell)
        return watched

    def __getattribute__(self, name: str) -> Any:
        if name == "holdout" and not is_own(sys._getframe(1)):
            object.__getattribute__(self, "_tell")()
        return super().__getattribute__(name)


def is_own(frame: FrameType) -> bool:
    """Tell whether a call is of ninefold's own code."""
    return str(frame.f_globals.get("__name__")).partition(".")[0] == "ninefold"
