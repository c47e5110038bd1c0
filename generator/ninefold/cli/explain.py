"""`ninefold explain`: print what a code means."""

from dataclasses import asdict

import click

from ninefold.cli.shell import echo, echo_json, json_option
from ninefold.publishing.codes import CODES, explain_code


@click.command(epilog="Examples: ninefold explain NF201 · ninefold explain")
@click.argument("code", required=False)
@json_option("Print the same as JSON.")
def explain(code: str | None, as_json: bool) -> None:
    """Explain the code of a finding: what it is, why it matters, what to do.

    Without a CODE, list them all.
    """
    found = [explain_code(code)] if code else list(CODES.values())
    if as_json:
        content = [asdict(entry) for entry in found]
        echo_json(content[0] if code else content)
    elif code:
        entry = found[0]
        echo(f"{entry.code} {entry.title}\n\n{entry.why}\n\n{entry.todo}")
    else:
        echo("\n".join(f"{entry.code} {entry.title}" for entry in found))
