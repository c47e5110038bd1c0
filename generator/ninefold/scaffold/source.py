"""Where the ninefold that runs here came from, as a line that a project's requirements can hold.

An index or a repository is named; what lies on this machine only (a checkout, a local wheel)
travels with the project, as a wheel in its folder `vendor/`.
"""

import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from contextlib import suppress
from importlib.metadata import Distribution, distribution
from json import loads
from pathlib import Path

from ninefold.assets import asset_folder
from ninefold.errors import NinefoldError

VENDOR = "vendor"
_LOCAL = {"direct_url.json", "INSTALLER", "REQUESTED", "RECORD"}  # of the installation only


def ninefold_source(project: Path) -> str:
    """Return the requirement line for the ninefold that runs here.

    Where it can be had from this machine only, a wheel is put into `project`/vendor first.
    Raises NinefoldError where no wheel can be made.
    """
    checkout = _checkout()
    if checkout is not None:
        return _vendored(_build_wheel(checkout, project / VENDOR))
    installed = distribution("ninefold")
    line = requirement_line(
        installed.version, loads(installed.read_text("direct_url.json") or "{}")
    )
    return line or _vendored(repack(installed, project / VENDOR))


def requirement_line(version: str, origin: dict) -> str:
    """Return the requirement for an installation with this version and this `direct_url.json`
    (PEP 610; {} where an index was asked), or "" where its address means nothing elsewhere."""
    address = origin.get("url", "")
    if not address:
        return f"ninefold[tensorflow]=={version}"
    if not address.startswith(("https://", "http://", "ssh://")):
        return ""
    if "vcs_info" in origin:
        vcs = origin["vcs_info"]
        address = f"{vcs['vcs']}+{address}@{vcs['commit_id']}"
    return f"ninefold[tensorflow] @ {address}"


def repack(installed: Distribution, folder: Path) -> Path:
    """Write the wheel that `installed` was installed from, anew from its files, into `folder`.

    Raises NinefoldError where some of them are gone.
    """
    named = installed.metadata["Name"], installed.version
    files = {
        path.as_posix(): Path(str(installed.locate_file(path)))
        for path in installed.files or ()
        if ".." not in path.parts
        and path.suffix != ".pyc"
        and not (path.parent.suffix == ".dist-info" and path.name in _LOCAL)
    }
    absent = [name for name, file in files.items() if not file.is_file()]
    if absent or not files:
        raise NinefoldError(
            f"the installation of ninefold is incomplete: no {absent[0] if absent else 'files'}",
            todo="install ninefold again, or give ninefold_source=LINE",
        )
    folder.mkdir(exist_ok=True)
    wheel = folder / f"{'-'.join(named)}-py3-none-any.whl"
    contents = {name: file.read_bytes() for name, file in sorted(files.items())}
    record = f"{'-'.join(named)}.dist-info/RECORD"
    contents[record] = _record(contents, record).encode()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return wheel


def _record(contents: dict[str, bytes], record: str) -> str:
    """Return a wheel's RECORD: each file with its hash and size (PEP 427)."""
    lines = []
    for name, content in contents.items():
        digest = urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        quoted = f'"{name}"' if "," in name else name
        lines.append(f"{quoted},sha256={digest},{len(content)}")
    return "\n".join([*lines, f"{record},,"]) + "\n"


def _checkout() -> Path | None:
    """Return the checkout that this module runs from, or None where it runs from a wheel."""
    root = asset_folder("template").parent
    return root if (root / "pyproject.toml").is_file() else None


def _build_wheel(checkout: Path, folder: Path) -> Path:
    """Build the checkout's wheel into `folder`: with hatchling where it is here, else with pip,
    which fetches it."""
    folder.mkdir(exist_ok=True)
    folder = folder.resolve()
    if importlib.util.find_spec("hatchling"):
        command = ["hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    else:
        command = ["pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), "."]
    status, said = _run(command, checkout, folder)
    wheels = sorted(folder.glob("*.whl"))
    if status or not wheels:
        last = (said.strip().splitlines() or ["no reason given"])[-1]
        raise NinefoldError(
            f"no wheel could be built from the checkout of ninefold ({last})",
            todo="install hatchling, or give ninefold_source=LINE",
        )
    return wheels[0]


def _run(command: list[str], cwd: Path, temporary: Path) -> tuple[int, str]:
    """Run a Python module; return its status and what it said. Where this process is stopped, so is
    whatever the module has started, and what it keeps meanwhile lies in `temporary`."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate()
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return process.returncode, said


def _vendored(wheel: Path) -> str:
    return f"./{VENDOR}/{wheel.name}[tensorflow]"
