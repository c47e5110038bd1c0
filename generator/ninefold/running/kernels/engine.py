"""papermill's engine `ninefold`: notebooks in warm kernels, each in a process of its own."""

import atexit
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from papermill.engines import NBClientEngine

from ninefold.running.kernels.imported import why_cold
from ninefold.running.kernels.manager import managing
from ninefold.running.kernels.provisioner import say_cold
from ninefold.running.kernels.warm import ADDRESS, WarmKernels
from ninefold.running.notebooks import check_language, sources


class Engine(NBClientEngine):
    """Executes a notebook in a kernel of this very Python, whatever kernel it names.

    The kernel is forked by the server that the variable NINEFOLD_KERNELS names; without that, by
    one that the first notebook of a process starts and that ends with the process. It starts cold,
    and that is said, where its notebook may set what imports read.
    """

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        kernel_env: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Execute the notebook; `kernel_env` is its kernel's whole environment."""
        address = os.environ.get(ADDRESS, "")
        if why := why_cold(sources(nb_man.nb, "code")):
            say_cold(why)
        else:
            address = address or own_server()
        kwargs["kernel_manager_class"] = managing(address, kernel_env, cold=bool(why))
        return super().execute_managed_notebook(nb_man, kernel_name, **kwargs)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """Return the kernel's name, by which papermill knows how to write parameters. Raises
        NinefoldError for a notebook that is not written in Python."""
        check_language(nb)
        return "python3"

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """Return Python."""
        return "python"


@cache
def own_server() -> str:
    """Start a server for this process, and return its address."""
    kernels = WarmKernels(os.environ)
    atexit.register(kernels.end)
    if kernels.why_cold:
        say_cold(kernels.why_cold)
    return kernels.address
