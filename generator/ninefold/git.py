"""What git knows of a project, asked so that nothing of the project's own is obeyed.

A repository's configuration can name programs (a monitor of files, hooks, signatures, a pager,
transports for objects that are missing), and may be a stranger's. Those are switched off; only
commands that read objects are called.
"""

import os
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

_SECONDS = 20
_MOST = 1 << 27  # bytes of an answer
_OFF = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.untrackedCache": "false",
    "core.sshCommand": "false",
    "core.askPass": "false",
    "credential.helper": "",
    "log.showSignature": "false",
    "gpg.program": "false",
    "protocol.allow": "never",
    "safe.bareRepository": "explicit",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
_OF_A_REPOSITORY = "GIT_"  # variables by which the caller's shell may name another one
_ENVIRONMENT = {
    **{"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_NO_REPLACE_OBJECTS": "1"},
    **{"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "", "LC_ALL": "C"},
}


def ask_git(
    root: Path, *arguments: str, given: bytes = b"", seconds: float = _SECONDS
) -> bytes | None:
    """Return what git says in the folder `root`; None where there is no git, no repository, or none
    that the user trusts, and where it fails, takes long, or says more than a log can hold."""
    options = [part for name, value in _OFF.items() for part in ("-c", f"{name}={value}")]
    command = ["git", "--no-pager", *options, "-C", str(root), *arguments]
    kept = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
    own = {k: v for k, v in os.environ.items() if k in kept or not k.startswith(_OF_A_REPOSITORY)}
    with suppress(OSError), tempfile.TemporaryFile() as asked:
        asked.write(given)
        asked.seek(0)
        with subprocess.Popen(
            command, stdin=asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=own | _ENVIRONMENT,
        ) as git:  # fmt: skip
            return _said(git, seconds)
    return None


def _said(git: "subprocess.Popen[bytes]", seconds: float) -> bytes | None:
    assert git.stdout
    late = threading.Timer(seconds, git.kill)
    late.start()
    try:
        said = git.stdout.read(_MOST + 1)
        return said if len(said) <= _MOST and git.wait() == 0 else None
    finally:
        late.cancel()
        late.join()
        git.kill()  # nothing, where it has ended


def is_tracked(root: Path, *names: str) -> bool:
    """Tell whether the last commit of the repository around `root` holds each of some files and
    folders there: not where an outer repository ignores them, or has nothing to do with them."""
    held = ask_git(root, "ls-tree", "--name-only", "-z", "HEAD", *names) or b""
    return {*names} <= {*held.decode("utf-8", "replace").split("\0")}
