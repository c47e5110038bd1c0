"""What every attack must not achieve, looked at after each of the safe commands."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SECRET = "the-secret-of-the-canary-7f3a"
SAFE = (
    *(("status", "--json"), ("report",), ("check",), ("run", "--dry-run")),
    ("status", "--prune", "--json"),
)
PEAK = 600  # MiB beyond those of a process that has imported everything
# What a terminal obeys, but for line feeds: C0, DEL, C1, and what turns the direction of text.
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    status: int
    stdout: str
    stderr: str
    opened: list[str]
    peak: int

    @property
    def said(self) -> str:
        return self.stdout + self.stderr


class Arena:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("arena.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, cwd: Path, *argv: str, canary: Path, **env: str) -> Done:
        request = {"cwd": str(cwd), "argv": argv, "canary": str(canary), "env": env}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Done(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def attack(
    arena: Arena,
    root: Path,
    canary: Path,
    *,
    hidden: Iterable[str] = (),
    listed: Iterable[Path] = (),
) -> list[Done]:
    """Run every safe command on a project that was tampered with; fail where one of them touched
    what lies outside, told of it, hung, crashed, or said what a terminal obeys.

    hidden  names in the project that hold the secret; listed  folders outside that may be listed
    """
    before = fingerprint(canary)
    known = {*holding(root), *hidden}
    found = []
    for command in SAFE:
        done = arena.run(root, *command, canary=canary)
        found.append(done)
        assert done.status in (0, 1), (command, done)
        assert "Traceback" not in done.said, (command, done.said)
        assert len(done.stderr.splitlines()) <= 1, (command, done.stderr)
        assert {*done.opened} <= {*map(str, listed)}, (command, done)
        assert SECRET not in done.said, (command, done.said)
        assert not OBEYED.search(done.said), (command, done.said)
        assert done.peak < PEAK, (command, done.peak)
    assert fingerprint(canary) == before
    assert holding(root) <= known
    return found


def holding(root: Path) -> set[str]:
    """Return the names of a project's own files that hold the secret."""
    return {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 2**24
        and path.resolve().is_relative_to(root) and SECRET.encode() in path.read_bytes()
    }  # fmt: skip


def fingerprint(folder: Path) -> str:
    """Return a digest of a tree: names, kinds, sizes, times of change, contents."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        found.update(f"{path.relative_to(folder)} {state.st_mode} {state.st_mtime_ns}\n".encode())
        found.update(path.read_bytes() if path.is_file() else b"")
    return found.hexdigest()
