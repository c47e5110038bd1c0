"""A process in which each command runs in a fork of its own: bounded in time and memory, its opens
of what it has no business with told.

It reads requests from stdin, a line of JSON each {"cwd", "argv", "canary", "env"}, and answers each
with a line {"status", "stdout", "stderr", "opened", "peak"}: the exit status (negative for a
signal, SIGALRM where it took too long), what it printed, the paths below the canary that it opened,
and how many MiB it held beyond those of this process.
"""

import json
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path

SECONDS = 20  # a hang, on any machine
MEMORY = 1 << 30  # bytes beyond what is there


def main() -> None:
    """Answer requests until stdin ends."""
    import ninefold.cli.check
    import ninefold.cli.report
    import ninefold.cli.run
    import ninefold.cli.status
    import ninefold.study.metrics  # noqa: F401

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(conduct(**json.loads(line))) + "\n")
        answers.flush()


def conduct(cwd: str, argv: list[str], canary: str, env: dict[str, str]) -> dict[str, object]:
    """Run a command in a fork and return what came of it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        tempfile.TemporaryFile("w+", encoding="utf-8") as seen,
    ):
        pid = os.fork()
        if not pid:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            be_command(cwd, argv, canary, env, seen)
        _, status, used = os.wait4(pid, 0)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
        seen.seek(0)
        return {
            "status": os.waitstatus_to_exitcode(status),
            "stdout": texts[0],
            "stderr": texts[1],
            "opened": sorted(set(seen.read().splitlines())),
            "peak": max(used.ru_maxrss - before, 0) // 1024,
        }


def be_command(cwd: str, argv: list[str], canary: str, env: dict[str, str], seen) -> None:
    """Be the command line, and end."""
    status = 99
    try:
        signal.alarm(SECONDS)
        sizes = Path("/proc/self/statm").read_text().split()
        used = int(sizes[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY,) * 2)
        os.chdir(cwd)
        os.environ.update(env)
        for number in (1, 2):
            name = {1: "stdout", 2: "stderr"}[number]
            encoding = env.get("PYTHONIOENCODING", "utf-8")
            setattr(sys, name, os.fdopen(os.dup(number), "w", encoding=encoding))
        sys.argv = ["ninefold", *argv]
        sys.addaudithook(lambda event, arguments: look(event, arguments, canary, seen))
        from ninefold.__main__ import main

        main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        seen.flush()
        os._exit(status)


def look(event: str, arguments: tuple, canary: str, seen) -> None:
    """Note a path below the canary that is opened or listed, through whatever links."""
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, bytes)):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if path == canary or path.startswith(canary + os.sep):
            seen.write(path + "\n")


if __name__ == "__main__":
    main()
