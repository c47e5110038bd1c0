"""The command line: arguments, progress, messages. The only room that prints and exits.

A command `x` is the function `x` in `ninefold/cli/x.py`, imported when it is asked for.
"""

import sys
from importlib import import_module

import click

from ninefold import __version__
from ninefold.cli.shell import echo_end, echo_error, hear_json, open_streams
from ninefold.errors import NinefoldError
from ninefold.stopping import Stopped, stoppable

_COMMANDS = {
    "new": "Make a project from a dataset.",
    "run": "Execute the sections that are stale.",
    "status": "Say of each section whether it is written and fresh.",
    "report": "Render the report from what the runs found.",
    "check": "Look for what is wrong or unfinished in a study.",
    "explain": "Explain the code of a finding.",
    "predict": "Predict new rows with the final model.",
    "demo": "Make, run and report a study of a built-in dataset.",
}


class _Commands(click.Group):
    """Commands that are imported only when asked for, behind one boundary for errors."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        return getattr(import_module(f"ninefold.cli.{name}"), name)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        hear_json(context, args)
        return super().parse_args(context, args)

    def invoke(self, context: click.Context):
        with open_streams():
            try:
                with stoppable():
                    return super().invoke(context)
            except NinefoldError as error:
                echo_end(context, str(error))
            except Stopped as stopped:
                echo_end(context, stopped.told, asked=True)
                sys.exit(stopped.status)
            except click.UsageError as error:  # which click tells everybody else
                echo_error(context, error.format_message())
                raise
            except click.Abort:
                echo_end(context, "a question was not answered; nothing was made", asked=True)
            except BrokenPipeError:
                raise  # `| head -1` has read enough: click ends in silence
            except OSError as error:
                where = f" ({error.filename})" if error.filename else ""
                echo_end(context, f"{error.strerror or error}{where}")
            except (RecursionError, MemoryError) as error:
                echo_end(context, f"this takes more than there is ({error!r})")
        sys.exit(1)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: ninefold demo my-first-study",
)
@click.version_option(__version__, prog_name="ninefold")
def main() -> None:
    """From a dataset to a finished, honest, publishable deep-learning study."""
