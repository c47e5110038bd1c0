"""A kernel that a server forked, as jupyter_client wants to see it: nearly a local process."""

import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner
from traitlets import Bool, Dict, Unicode

from ninefold.running.kernels.folders import fits, make_folder

_PATIENCE = 120.0  # seconds for a server that still imports, on a machine that has much to do


class ColdError(Exception):
    """Why a server gave no kernel."""


class ForkedKernel:
    """A kernel's process as `subprocess.Popen` shows one; its end is told on the connection."""

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, pid: int):
        self.connection, self.pid = connection, pid
        self.returncode: int | None = None
        self._lock = threading.Lock()  # one thread manages a kernel, another may watch it

    def poll(self) -> int | None:
        """Return the status that the kernel ended with; None while it runs."""
        return self._listen(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the kernel's end, and return its status."""
        status = self._listen(timeout)
        if status is None:
            raise subprocess.TimeoutExpired("a forked kernel", timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """Close the connection, at which the server kills the kernel if it still runs."""
        self.connection.close()

    def _listen(self, timeout: float | None) -> int | None:
        with self._lock:
            if self.returncode is None:
                self.connection.settimeout(timeout)
                try:
                    self.returncode = receive(self.connection)["ended"]
                except (TimeoutError, BlockingIOError):
                    return None
                except (OSError, ColdError):  # the server is gone, and its kernels end with it
                    self.returncode = -signal.SIGKILL
                self.connection.close()
            return self.returncode


def fork_kernel(address: str, connection_file: str, cwd: str, env: dict[str, str]) -> ForkedKernel:
    """Ask the server at `address` for a kernel, which writes where this process writes.

    Raises ColdError where it gives none.
    """
    request = {"connection_file": connection_file, "cwd": cwd, "env": env}
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_PATIENCE)
    try:
        connection.connect(address)
        line = json.dumps(request).encode() + b"\n"
        sent = socket.send_fds(connection, [line], [1, 2])
        if sent < len(line):
            connection.sendall(line[sent:])
        answer = receive(connection)
        if "refused" in answer:
            raise ColdError(answer["refused"])
    except (OSError, ColdError) as error:
        connection.close()
        raise ColdError(str(error)) from error
    return ForkedKernel(connection, answer["pid"])


def receive(connection: socket.socket) -> dict[str, Any]:
    """Return the next message of a server. Raises ColdError where there will be none."""
    line = b""
    while not line.endswith(b"\n"):  # byte by byte: what follows belongs to the next message
        byte = connection.recv(1)
        if not byte:
            raise ColdError("their server has ended")
        line += byte
    return json.loads(line)


class ForkProvisioner(LocalProvisioner):
    """A kernel forked by the server at `address`, or a cold one where that gives none or a `cold`
    one is wanted; with the environment `env`, or this process's."""

    address = Unicode()
    cold = Bool()
    env = Dict(allow_none=True, default_value=None)
    folder = Unicode()  # holds the connection file and the sockets
    group: int | None = None  # of processes, which a cold kernel leads
    status: int | None = None  # that the kernel was found to have ended with

    @property
    def manager(self) -> Any:
        """Return the manager of the kernel."""
        return self.parent

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Put the kernel's sockets into a folder of its own: a port that was free a moment ago
        may be another kernel's by now."""
        if os.name == "posix" and not self.folder:
            within = Path(self.address).parent  # goes with the server
            if self.address and within.is_dir():
                self.folder = tempfile.mkdtemp(prefix="kernel-", dir=within)
            else:
                self.folder = str(make_folder("kernel-"))
            self.manager.connection_file = f"{self.folder}/connection.json"
            if fits(Path(self.folder)):
                self.manager.transport, self.manager.ip = "ipc", f"{self.folder}/socket"
        if self.env is not None:
            kwargs["env"] = self.env
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel, and return how to connect to it."""
        if self.address and not self.cold:
            where, env = str(kwargs.get("cwd") or Path.cwd()), kwargs["env"]
            try:
                kernel = fork_kernel(self.address, self.manager.connection_file, where, env)
            except ColdError as error:
                say_cold(str(error))
            else:
                self.process: Any = kernel
                self.pid = self.pgid = kernel.pid
                self.cwd = where
                return self.connection_info
        info = await super().launch_kernel(cmd, **kwargs)
        self.group = self.pgid
        return info

    async def poll(self) -> int | None:
        """Return the status that the kernel ended with; None while it runs."""
        if self.process:  # which is forgotten at the end
            self.status = self.process.poll()
        return await super().poll()

    async def send_signal(self, signum: int) -> None:
        """Send a signal, unless it is the interrupt before a shutdown: between two messages it
        makes ipykernel 7 hang, and SIGTERM follows where a busy kernel does not hear the rest."""
        if signum != signal.SIGINT or not self.manager.shutting_down:
            await super().send_signal(signum)

    async def cleanup(self, restart: bool = False) -> None:
        """Remove what a kernel that has ended leaves."""
        if isinstance(self.process, ForkedKernel):
            self.process.close()
        if self.group:  # a server sees to this by itself
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.group, signal.SIGKILL)
            self.group = None
        if not restart:
            shutil.rmtree(self.folder, ignore_errors=True)
        await super().cleanup(restart=restart)


@cache
def say_cold(why: str) -> None:
    """Say, once in a process, why kernels start cold."""
    logging.getLogger("ninefold").warning("kernels start cold: %s", why)
