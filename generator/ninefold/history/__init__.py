"""The log of a study, `results/history.jsonl`: what ran, what was forecast, who saw the hold-out.

It only grows. Each entry holds the SHA-256 of the line before it, so that an edit, a removal in the
middle or a new order breaks the chain. Who can write the file can also make a whole new chain: the
head of the chain proves something once it was published elsewhere: whoever has it can tell whether
entries up to it were changed. Other entries can still be put beside those, on a branch of their
own, which then has an end of its own.
"""

from ninefold.history.appending import append, must_grow
from ninefold.history.digests import digest_of_file, digest_of_try, digests_of
from ninefold.history.entries import HISTORY, START
from ninefold.history.mending import prepare
from ninefold.history.reading import History, read_history

__all__ = [
    "HISTORY",
    "START",
    "History",
    "append",
    "digest_of_file",
    "digest_of_try",
    "digests_of",
    "must_grow",
    "prepare",
    "read_history",
]
