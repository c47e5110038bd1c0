"""Who asks: the calls that led to an audit event, those of the watcher itself left out."""

import sys
from collections.abc import Iterator
from itertools import islice
from types import FrameType

_WATCHER = "ninefold.running.staleness."  # this room: its modules handle the event
_NEAR = 6  # calls: those of pathlib, and then some


def asks(*packages: str, within: int = _NEAR) -> bool:
    """Whether one of the last few calls that led to the event is one of these packages'."""
    known = (*packages, *(f"_frozen_{package}" for package in packages))
    return any(name.startswith(known) for name, _ in islice(_calls(), within))


def being_imported() -> list[str]:
    """Return the packages whose modules are being imported at this moment."""
    found = {name.partition(".")[0] for name, code in _calls() if code == "<module>"}
    return sorted(found - {"", "__main__"})


def _calls() -> Iterator[tuple[str, str]]:
    """Yield module and function of the calls that led to the event, the last one first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__") or "")
        if not name.startswith(_WATCHER):
            yield name, frame.f_code.co_name
        frame = frame.f_back
