"""The process that kernels are forked from: `python -m ninefold.running.kernels.server FD`.

FD is a listening Unix socket; stdin is a pipe, whose end tells that the owner is gone: then all
kernels are killed. What can be imported ahead is; then one line of JSON on stdout says
{"ready": true} or {"refused": why}. Not every notebook trains networks: whoever asks for a kernel
while TensorFlow is imported gets one without, from a deputy that was forked before.

A connection is a kernel. Its one request, a line of JSON {"connection_file", "cwd", "env"}
with the kernel's stdout and stderr as file descriptors, is answered by {"pid"} or {"refused"}, and
the kernel's end by {"ended": status}, which is negative for a signal. A connection that its client
closes kills the kernel and all that it has started.
"""

import fcntl
import gc
import json
import os
import select
import selectors
import shutil
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from ninefold.running.kernels import launch
from ninefold.running.kernels.forked import Request, become_kernel
from ninefold.running.kernels.imported import differing
from ninefold.running.kernels.orphans import adopt_orphans, children, end_orphans

PRELOADS = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",  # these three a kernel imports as it starts
    "IPython.core.debugger",
    "IPython.extensions.storemagic",
    "matplotlib_inline.backend_inline",
    "pandas",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_agg",
    "sklearn.calibration",
    "sklearn.datasets",
    "sklearn.ensemble",
    "sklearn.feature_selection",
    "sklearn.impute",
    "sklearn.model_selection",
    "sklearn.pipeline",
    "ninefold.running.staleness.tracing",
    "ninefold.study.notebook",
    "ninefold.study.finale",
    "ninefold.study.relations",
    "ninefold.study.shows.data",
    "ninefold.study.shows.harness",
    "ninefold.study.shows.differences",
    "ninefold.study.shows.results",
    "ninefold.study.summary",
)
SLOW_PRELOADS = ("tensorflow", "keras")
_PATIENCE = 10  # seconds for a request to arrive whole


def main() -> None:
    """Serve kernels until the owner is gone; in each fork, be the kernel."""
    launch.forget_folder()
    end_with_owner(True)
    listener = socket.socket(fileno=int(sys.argv[1]))
    listener.setblocking(False)  # the deputy may have been faster
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever an import prints
    given, deputy = dict(os.environ), None
    refusal = preload(sys.argv[2:] or PRELOADS)
    if not refusal and not sys.argv[2:]:
        stop, stopped = socket.socketpair()
        deputy = os.fork()
        if not deputy:
            answers.close()
            stop.close()
            serve(Server(listener, stopped=stopped), given)
        stopped.close()
        refusal = preload(SLOW_PRELOADS)
        stop.close()
    end_with_owner(False)
    with answers:
        answers.write(json.dumps({"refused": refusal} if refusal else {"ready": True}) + "\n")
    serve(Server(listener, refusal, deputy), given)


def end_with_owner(at_once: bool) -> None:
    """Have the system end this process as soon as its owner, which holds the other end of stdin, is
    gone; or else leave that to `Server`, which hears nothing while imports take seconds."""
    if sys.platform == "linux":
        fcntl.fcntl(sys.stdin, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(sys.stdin, fcntl.F_GETFL) & ~os.O_ASYNC
        fcntl.fcntl(sys.stdin, fcntl.F_SETFL, flags | os.O_ASYNC if at_once else flags)
        if at_once and select.select([sys.stdin], [], [], 0)[0]:  # it is gone already
            os._exit(0)


def serve(server: "Server", given: dict[str, str]) -> NoReturn:
    """Serve kernels until that is over; in each fork, be the kernel. `given` is the environment
    that the imports have found."""
    pid, made = os.getpid(), dict(os.environ.items() - given.items())
    request = server.run()
    if request:
        become_kernel(request, pid, made)
    elif not server.owned:
        _tidy(Path(server.listener.getsockname()).parent.resolve())
    os._exit(0)  # whatever threads of an import are at


def _tidy(folder: Path) -> None:
    """Remove the folder that an owner made for this server to work in; it may have been killed."""
    if folder == Path.cwd():
        shutil.rmtree(folder, ignore_errors=True)


def preload(names: Iterable[str]) -> str:
    """Import what is installed of the named modules; return why forks would harm, where one of
    them starts threads, as TensorFlow does with its devices: neither would be whole in a fork."""
    import psutil

    for name in names:
        try:
            if find_spec(name.partition(".")[0]):
                import_module(name)
        except Exception:  # the notebook that imports it will say so better
            traceback.print_exc()
        threads = psutil.Process().num_threads()
        if threads > 1:
            return f"importing {name} starts {threads - 1} thread(s)"
    gc.collect()
    gc.freeze()  # what all kernels share is neither looked through nor copied
    return ""


class Server:
    """The kernels of one owner: each a connection and a process.

    refusal  why there are none, if so
    deputy   the process that has served until now
    stopped  ends when this one, a deputy, is to take no more requests
    """

    def __init__(
        self,
        listener: socket.socket,
        refusal: str = "",
        deputy: int | None = None,
        stopped: socket.socket | None = None,
    ):
        self.listener, self.refusal, self.deputy, self.stopped = listener, refusal, deputy, stopped
        self.owned = True  # the owner is there
        self.helpers = children()  # the deputy, and what an import may have started
        adopt_orphans()
        self.kernels: dict[socket.socket, int] = {}
        self.awake, self.waker = socket.socketpair()
        self.selector = selectors.DefaultSelector()
        for source in filter(None, (sys.stdin, listener, self.awake, stopped)):
            self.selector.register(source, selectors.EVENT_READ)
        for end in (self.awake, self.waker):
            end.setblocking(False)
        signal.set_wakeup_fd(self.waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # it is the wake-up that counts

    def run(self) -> Request | None:
        """Serve until the owner is gone, or a deputy has no kernel any more, and return None; in a
        fork, return its request."""
        while self.owned and (self.listener in self.selector.get_map() or self.is_needed):
            source: Any = self.selector.select()[0][0].fileobj  # it may end what the next is about
            if source is sys.stdin:
                self.end()
            elif source is self.awake:
                self.awake.recv(4096)
                self.reap()
            elif source is self.stopped:
                for ended in (self.stopped, self.listener):
                    self.selector.unregister(ended)
            elif source is self.listener:
                with suppress(BlockingIOError):
                    self.selector.register(self.listener.accept()[0], selectors.EVENT_READ)
            elif source in self.kernels:  # its client has closed it
                self.selector.unregister(source)
                kill(self.kernels[source])
            elif request := self.answer(source):
                return request
        return None

    @property
    def is_needed(self) -> bool:
        """Whether there is a kernel, or a connection that has not asked for its yet."""
        own = {sys.stdin, self.awake, self.stopped, self.listener}
        return bool(self.kernels) or any(
            key.fileobj not in own for key in self.selector.get_map().values()
        )

    def answer(self, connection: socket.socket) -> Request | None:
        """Fork the kernel that is asked for on a new connection; return the request in the fork."""
        request = receive(connection)
        if request is None:
            self.forget(connection)
            return None
        refusal = self.refusal or differing(request.env)
        if not refusal:
            try:
                pid = os.fork()
            except OSError as error:
                refusal = str(error)
        if not refusal and pid == 0:
            self.leave()
            return request
        request.close()
        if refusal:
            tell(connection, refused=refusal)
            self.forget(connection)
        else:
            self.kernels[connection] = pid
            tell(connection, pid=pid)
        return None

    def reap(self) -> None:
        """Tell the clients of the kernels that have ended, and end what those have left."""
        if self.deputy and os.waitpid(self.deputy, os.WNOHANG)[0]:
            self.deputy = None
        for connection, pid in list(self.kernels.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)  # what it started and left
                del self.kernels[connection]
                tell(connection, ended=os.waitstatus_to_exitcode(status))
                self.forget(connection)
        end_orphans({*self.helpers, *self.kernels.values()})  # a running kernel adopts its own

    def end(self) -> None:
        """Kill all kernels: the owner is gone."""
        self.owned = False
        for pid in self.kernels.values():
            kill(pid)
            os.waitpid(pid, 0)
        while end_orphans(self.helpers):
            time.sleep(0.01)  # until they are gone
        if self.deputy:
            os.waitpid(self.deputy, 0)  # it does the same

    def forget(self, connection: socket.socket) -> None:
        """Close a connection."""
        with suppress(KeyError):  # its client has closed it
            self.selector.unregister(connection)
        connection.close()

    def leave(self) -> None:
        """Let go, in a fork, of all that is the server's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        sources: list[Any] = [key.fileobj for key in self.selector.get_map().values()]
        for end in {*sources, *self.kernels, self.waker} - {sys.stdin}:
            end.close()
        self.selector.close()


def receive(connection: socket.socket) -> Request | None:
    """Return the request on a connection; None where its client is gone or makes no sense."""
    connection.settimeout(_PATIENCE)
    try:
        line, streams, _, _ = socket.recv_fds(connection, 1 << 16, 2)
        while line and not line.endswith(b"\n"):
            more = connection.recv(1 << 16)
            line = line + more if more else b""
        return Request(**json.loads(line), streams=tuple(streams)) if line else None
    except (OSError, ValueError, TypeError):
        return None


def tell(connection: socket.socket, **message: Any) -> None:
    """Send a message, a line of JSON, to a client that may be gone."""
    with suppress(OSError):
        connection.sendall(json.dumps(message).encode() + b"\n")


def kill(pid: int) -> None:
    """Kill a kernel, which was not waited for yet, with all that it has started."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:  # it does not lead a session yet
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
