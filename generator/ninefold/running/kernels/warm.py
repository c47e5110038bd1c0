"""Starting the server that kernels are forked from, and ending it with its owner."""

import json
import os
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ninefold.running.kernels.folders import make_folder

ADDRESS = "NINEFOLD_KERNELS"  # the variable that tells a process where to ask for kernels
_SERVER = "ninefold.running.kernels.server"
# One thread: others would not be there in a fork, which starts as many as it may for itself.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}


class WarmKernels:
    """A server of kernels, a process that ends with this one.

    `address` is where to ask for kernels, from the start: while the server still imports what they
    share, whoever asks waits. It is empty where there can be no server.
    """

    def __init__(
        self, env: Mapping[str, str], preloads: Sequence[str] = (), folder: Path | None = None
    ):
        self.address = ""
        self._why_cold = _why_not_here()
        self._ready = False
        self._server: subprocess.Popen[str] | None = None
        self._lent = folder is not None
        self._folder = folder or make_folder("ninefold-", room=len("/kernel-12345678"))
        if self._why_cold is None:
            try:
                self._start(env, preloads)
            except OSError as error:
                self._why_cold = f"no server of kernels could be started: {error}"

    def _start(self, env: Mapping[str, str], preloads: Sequence[str]) -> None:
        address = self._folder / "kernels"
        with socket.socket(socket.AF_UNIX) as listener, self._log.open("w") as log:
            listener.bind(str(address))
            listener.listen(64)
            self._server = subprocess.Popen(
                [sys.executable, "-m", _SERVER, str(listener.fileno()), *preloads],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self._folder,
                env={**env, **_ONE_THREAD},
                pass_fds=[listener.fileno()],
                start_new_session=True,  # Ctrl-C in a terminal is its owner's to answer
                encoding="utf-8",
            )
        self.address = str(address)

    @property
    def why_cold(self) -> str | None:
        """Say why kernels start cold; None where they do not, as far as is known by now."""
        if self._why_cold is None and self._server:
            assert self._server.stdout is not None
            if not self._ready and select.select([self._server.stdout], [], [], 0)[0]:
                self._hear(self._server)
            if self._ready and self._server.poll() is not None:
                self._why_cold = self._last_words(self._server.returncode)
        return self._why_cold

    def _hear(self, server: "subprocess.Popen[str]") -> None:
        """Read how the imports went: one line, or none where the server ended instead."""
        assert server.stdout is not None
        answer = json.loads(server.stdout.readline() or "{}")
        self._ready = "ready" in answer
        if not self._ready:
            self._why_cold = answer.get("refused") or self._last_words(server.wait())

    def _last_words(self, status: int) -> str:
        lines = self._log.read_text(errors="replace").split("\n")
        said = next((line for line in reversed(lines) if line.strip()), "")
        return f"their server ended with status {status}: {said}".rstrip(": ")

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def end(self) -> None:
        """End the server with all its kernels."""
        if self._server:
            assert self._server.stdin is not None
            assert self._server.stdout is not None
            importing = self.why_cold is None and not self._ready
            self._server.stdin.close()
            if importing:
                self._server.kill()  # it has no kernel yet, and hears nothing while it imports
            try:
                self._server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._server.kill()  # its kernels see that it is gone
                self._server.wait()
            self._server.stdout.close()
        if not self._lent:
            shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def warm_kernels(
    env: Mapping[str, str], preloads: Sequence[str] = (), folder: Path | None = None
) -> Iterator[WarmKernels]:
    """Have a server of kernels within the block, started without waiting for it.

    env       the environment in which it makes its imports
    preloads  modules to import other than the usual ones
    folder    for its socket, its log and those of its kernels; None: one of its own

    Why there are no warm kernels, where there are none, is in `why_cold`.
    """
    kernels = WarmKernels(env, preloads, folder)
    try:
        yield kernels
    finally:
        kernels.end()


def _why_not_here() -> str | None:
    if not hasattr(os, "fork"):
        return "this system cannot fork a process"
    if sys.platform == "darwin":
        return "libraries of macOS do not survive a fork"
    return None
