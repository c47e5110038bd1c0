"""What a command says, and to whom: the one place that prints.

Whatever is printed is shown, not obeyed: control characters come as escapes (see `visible`), what
the output's encoding lacks as "?". Only what rich makes of texts that are visible already, the
colours of a table or a live view, reaches a terminal as it is. A shell may close the streams, or
read them no more.
"""

import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any, cast

import click

from ninefold.visible import visible, visible_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_ASKED_FOR_JSON = "ninefold.json"


class _Shown:
    """A stream of text on which every character is seen; `obeyed` is the stream below it."""

    def __init__(self, stream: Any) -> None:
        self.obeyed = stream

    def write(self, text: str) -> int:
        """Write a text visibly. Raises OSError."""
        if not isinstance(text, str):
            raise TypeError(f"expected text, not {type(text).__name__}")
        self.obeyed.write(visible(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.obeyed, name)


@contextmanager
def open_streams() -> Iterator[None]:
    """Have streams on which all is shown, nothing obeyed; where the shell closed one (`>&-`), and
    Python has None, prints go nowhere."""
    if isinstance(sys.stdout, _Shown):  # a command within another
        yield
        return
    with os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8") as nowhere:
        streams = [_Shown(stream or nowhere) for stream in (sys.stdout, sys.stderr)]
        for stream in streams:
            with suppress(AttributeError):  # a test's
                stream.reconfigure(errors="replace")
        with redirect_stdout(cast(Any, streams[0])), redirect_stderr(cast(Any, streams[1])):
            try:
                yield
            finally:
                for err, stream in enumerate(streams):
                    try:
                        stream.flush()
                    except (
                        OSError
                    ):  # said already; at its own end Python would try and say it again
                        go_unread(err=bool(err))


def echo(text: str, *, err: bool = False) -> None:
    """Print a line that was asked for. Raises OSError where it cannot be written."""
    print(text, file=sys.stderr if err else sys.stdout, flush=True)


def say(text: str, *, err: bool = False) -> None:
    """Print a line of a run; where nobody reads any more (`| head -1`, a terminal that is closed)
    or a disk is full, go on without: hours of training do not hang on a reader of their lines."""
    try:
        echo(text, err=err)
    except OSError:
        go_unread(err=err)


def hear_json(context: click.Context, args: list[str]) -> None:
    """Note whether a call asks for JSON, before it is known whether all of it is right."""
    context.meta[_ASKED_FOR_JSON] = "--json" in args


def json_option(said: str) -> Any:
    """Return the option `--json` of a command; `said` is its help."""
    return click.option("--json", "as_json", is_flag=True, help=said)


def json_text(value: Any) -> str:
    """Return a value as JSON for machines: in ASCII, which any encoding holds, and without NaN."""
    return json.dumps(_finite(value), indent=1, ensure_ascii=True, allow_nan=False)


def echo_json(value: Any) -> None:
    """Print a value as JSON."""
    echo(json_text(value))
    click.get_current_context().meta[_ASKED_FOR_JSON] = False


def echo_end(context: click.Context, message: str, *, asked: bool = False) -> None:
    """Say why a command ends: `echo_error`, and a line on stderr. `asked`: the command may have
    waited for an answer, or shown "^C", in a line that has not ended."""
    echo_error(context, message)
    newline = "\n" if asked and sys.stderr.isatty() else ""
    say(f"{newline}ninefold: {visible_line(message)}", err=True)


def echo_error(context: click.Context, message: str) -> None:
    """Print for who has asked for JSON and got none yet why there is none: {"error": …}."""
    if context.meta.get(_ASKED_FOR_JSON):
        say(json.dumps({"error": message}, indent=1))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def echo_data(text: str) -> None:
    """Print a table as data: to a terminal visibly, to whatever else byte by byte, in UTF-8."""
    if sys.stdout.isatty():
        echo(text.removesuffix("\n"))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()


def console(*, lasting: bool = False, width: int | None = None) -> "Console":
    """Return rich's console on stdout; a `lasting` one goes on as `say` does."""
    from rich.console import Console

    stream: Any = getattr(sys.stdout, "obeyed", sys.stdout)
    file: Any = LastingStdout(stream) if lasting else stream
    return Console(file=file, width=width)


def shown(text: object, style: str = "", **options: Any) -> "Text":
    """Return a text for rich to print: no markup of its own, every character visible."""
    from rich.text import Text

    return Text(visible(str(text)), style, **options)


class LastingStdout:
    """What rich writes a live view to: a stream, going on as `say` does."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write to the stream, or else go unread."""
        try:
            self._stream.write(text)
        except OSError:
            go_unread()

    def flush(self) -> None:
        """Flush the stream, or else go unread."""
        try:
            self._stream.flush()
        except OSError:
            go_unread()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def go_unread(*, err: bool = False) -> None:
    """Let all that is printed from now on go nowhere, what Python still holds of it too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, (sys.stderr if err else sys.stdout).fileno())
    os.close(nowhere)
