"""A kernel and its client as nbclient wants them: of this very Python, and heard soon."""

import sys
import time
from collections.abc import Mapping
from queue import Empty
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from ninefold.running.kernels import launch
from ninefold.running.kernels.provisioner import ForkProvisioner

_RETRY = 10  # milliseconds between two attempts to reach a kernel that is not there yet


class PromptClient(AsyncKernelClient):
    """A client that is ready as soon as its kernel is; jupyter_client's listens 0.2 s longer."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel has answered and what it sends to all is heard. Raises
        RuntimeError where it ends before that, or after `timeout` seconds."""
        deadline = time.monotonic() + (timeout or float("inf"))
        while not await self._answers(self.kernel_info()):
            if not await self.is_alive():
                raise RuntimeError("the kernel died before it was ready")
            if time.monotonic() > deadline:
                raise RuntimeError(f"the kernel was not ready in {timeout:g} seconds")

    async def _answers(self, request: str) -> bool:
        """Return whether the answer to a request arrives, and that the kernel is idle after it."""
        try:
            while not _is("kernel_info_reply", request, await self.get_shell_msg(timeout=1)):
                pass
            while True:
                message = await self.get_iopub_msg(timeout=0.1)
                if _is("status", request, message) and "idle" in message["content"].values():
                    return True
        except Empty:
            return False


def _is(kind: str, request: str, message: dict[str, Any]) -> bool:
    return message["msg_type"] == kind and message["parent_header"].get("msg_id") == request


def managing(
    address: str, env: Mapping[str, str] | None, *, cold: bool = False
) -> type[AsyncKernelManager]:
    """Return the class of what manages a kernel forked at `address`, or a `cold` one whose files
    only are there, with the environment `env`; nbclient takes a class."""

    class ThisPython(AsyncKernelManager):
        def __init__(self, **kwargs: Any):
            super().__init__(client_factory=PromptClient, **kwargs)
            self.context.reconnect_ivl = _RETRY
            self.provisioner = ForkProvisioner(
                parent=self,
                kernel_spec=self.kernel_spec,
                address=address,
                cold=cold,
                env=env and dict(env),
            )

        @property
        def kernel_spec(self) -> KernelSpec:
            return KernelSpec(
                argv=[sys.executable, "-m", launch.__name__, "-f", "{connection_file}"],
                display_name="Python 3",
                language="python",
            )

    return ThisPython
