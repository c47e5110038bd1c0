"""Did you mean …?: the nearest of the names that exist."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

_MOST, _LONGEST = 500, 100  # names, and characters of each, that are compared


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Return "did you mean 'x'?" for the known name nearest to `wrong`, or what there is."""
    names = [str(name)[:_LONGEST] for name in islice(known, _MOST)]
    folded = {name.casefold(): name for name in reversed(names)}
    near = get_close_matches(wrong[:_LONGEST].casefold(), folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{folded[near[0]]}'?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"there is: {shown}" if names else ""
