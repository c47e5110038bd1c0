"""The log as it is read: its entries, and whether their chain holds."""

from dataclasses import dataclass, field
from typing import Any

from ninefold.bounded import LOG
from ninefold.files import Files
from ninefold.history.entries import HISTORY, START, digest_of_line, parse_entry
from ninefold.history.older import MARK, no_log, read_old_looks

Entry = dict[str, Any]
_KEPT = "results/history-damaged-{}.jsonl"


@dataclass(frozen=True)
class Link:
    """An entry in its place.

    parents  digests of the entries that it says it follows; of the one before, where that is gone
    forks    it does not follow the entry before it: two branches were merged, it was inserted, or
             what it follows is gone
    """

    entry: Entry
    line: bytes
    digest: str
    parents: tuple[str, ...] = ()
    forks: bool = False


@dataclass(frozen=True)
class History:
    """A log, whatever state it is in.

    head     digest of its last line; START for none
    damaged  lines that cannot be read, now or before it was mended
    breaks   lines that follow nothing that is there, and of which no later entry says so
    mended   the same, of which a later entry says so
    heads    ends of merged branches that no entry has joined yet
    instead  what is or was in its place, and could be no log: how many looks it had is unknown
    broken   it has to be mended before anything is added
    """

    links: tuple[Link, ...] = ()
    head: str = START
    damaged: int = 0
    breaks: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    broken: bool = False
    conflict: bool = False  # git left one in it
    older: tuple[Entry, ...] = ()  # looks of an older version's log that was not taken over yet
    is_there: bool = False
    _digests: frozenset[str] = field(default=frozenset(), repr=False)

    def of(self, *kinds: str) -> list[Entry]:
        """Return the entries of these kinds in order."""
        return [link.entry for link in self.links if link.entry["kind"] in kinds]

    @property
    def looks(self) -> list[Entry]:
        """Return all looks at the hold-out, those of an older log first."""
        taken = [look for entry in self.of("taken") for look in entry["looks"]]
        return [*self.older, *taken, *self.of("look")]

    @property
    def count(self) -> int:
        """Return how often the hold-out was looked at, at most; at least, where `instead`."""
        return sum(look["counted"] for look in self.looks) + self.damaged

    def knows(self, digest: str) -> bool:
        """Tell whether a line of this digest is in it, or the log was empty then."""
        return digest == START or digest in self._digests

    @property
    def ends(self) -> tuple[str, ...]:
        """Return the digests of the entries that no other follows, the last line's first."""
        return (self.head, *self.heads) if self.links else ()

    @property
    def forks(self) -> int:
        """Return how many entries follow an older one than the entry before them."""
        broken = {*self.breaks, *self.mended}
        return sum(link.forks and link.digest not in broken for link in self.links)

    @property
    def trouble(self) -> str:
        """Return what is or was wrong with the log and what that counts for; "" for nothing."""
        breaks = len(self.breaks) + len(self.mended)
        places = "1 place" if breaks == 1 else f"{breaks} places"
        sections = f"{len(self.lost)} section{'s' if len(self.lost) > 1 else ''}"
        said = (
            ("git left a conflict in it, and the looks of both sides count", self.conflict),
            (f"there was {' and '.join(self.instead)}, {_UNKNOWN}", self.instead),
            (_unreadable(self.damaged), self.damaged),
            (f"its chain is broken in {places}: entries were edited, moved or removed", breaks),
            (f"it knew nothing of results that {sections} already had", self.lost),
        )
        return "; ".join(text for text, is_so in said if is_so)


_UNKNOWN = "so that nobody knows how often the hold-out was looked at"


def _unreadable(lines: int) -> str:
    if lines == 1:
        return "1 line cannot be read and counts as a look"
    return f"{lines} lines cannot be read and count as looks"


def read_history(files: Files) -> History:
    """Return the log of a project; where there is none yet, the looks of an older version's.

    Raises NinefoldError for a log of a newer version, and for one that cannot be read now: it may
    be sound.
    """
    last = last_kept(files)
    moved = last > 0 and not files.exists(HISTORY)  # a run was stopped before it had begun another
    name = kept_name(last) if moved else HISTORY
    if instead := no_log(files, name):
        return History(instead=(instead,), broken=True, is_there=True)
    try:
        content = files.read(name, LOG)
    except FileNotFoundError:
        old = read_old_looks(files)
        none = (old.instead,) if old.instead else ()
        return History(older=old.looks, damaged=old.damaged, instead=none)
    lines = [line for line in content.splitlines() if line.strip()]
    written = [line for line in lines if not MARK.fullmatch(line)]
    return read_lines(written, moved=moved, conflict=len(written) < len(lines))


def read_lines(lines: list[bytes], *, moved: bool = False, conflict: bool = False) -> History:
    """Return the log in some lines. Raises NinefoldError for a newer version."""
    links: list[Link] = []
    open_ends: dict[str, None] = {}
    breaks: dict[str, None] = {}
    mended: dict[str, None] = {}
    seen: dict[str, str] = {}  # digest of a line → that of its entry, or of the last one before
    last, unread = START, 0
    for line in lines:
        entry, digest = parse_entry(line), digest_of_line(line)
        if entry is None:
            unread += 1
            seen[digest] = links[-1].digest if links else START
            last = digest
            continue
        previous, joins = entry["previous"], entry["kind"] == "mended"
        named = {previous, *(entry["heads"] if joins else ())} - {START}
        parents = [seen[name] for name in named if name in seen]
        if len(parents) < len(named):
            breaks[digest] = None
            parents += [links[-1].digest] if links else []
        links.append(Link(entry, line, digest, tuple(parents), forks=previous != last))
        open_ends.pop(previous, None)
        open_ends[digest] = None
        if joins:
            for known in set(entry["breaks"]) & breaks.keys():
                mended[known] = breaks.pop(known)
            for end in entry["heads"]:
                open_ends.pop(end, None)
        seen[digest] = last = digest
    open_ends.pop(last, None)
    said = [link.entry for link in links if link.entry["kind"] in ("mended", "taken")]
    damaged = unread + sum(entry["damaged"] for entry in said)
    lost = dict.fromkeys(n for e in said if e["kind"] == "mended" for n in e["lost"])
    instead = dict.fromkeys(entry["instead"] for entry in said if entry.get("instead"))
    return History(
        tuple(links), last, damaged, tuple(breaks), tuple(mended), tuple(open_ends),
        tuple(lost), tuple(instead), moved or conflict or bool(unread or breaks), conflict,
        is_there=True, _digests=frozenset(seen),
    )  # fmt: skip


def last_kept(files: Files) -> int:
    """Return the number of the damaged log that was kept last; 0 for none."""
    start, end = _KEPT.removeprefix("results/").split("{}")
    numbers = (
        name.removeprefix(start).removesuffix(end)
        for name in files.names("results")
        if name.startswith(start) and name.endswith(end)
    )
    return max((int(n) for n in numbers if n.isascii() and n.isdigit() and len(n) < 10), default=0)


def kept_name(number: int) -> str:
    """Return under which name a damaged log is kept."""
    return _KEPT.format(number)
