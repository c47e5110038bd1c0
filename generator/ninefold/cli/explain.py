"""`ninefold explain`: print what a code means."""

import json
from dataclasses import asdict

import click

from ninefold.publishing.codes import CODES, explain_code


@click.command(epilog="Examples: ninefold explain NF201 · ninefold explain")
@click.argument("code", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
def explain(code: str | None, as_json: bool) -> None:
    """Explain the code of a finding: what it is, why it matters, what to do.

    Without a CODE, list them all.
    """
    found = [explain_code(code)] if code else list(CODES.values())
    if as_json:
        content = [asdict(entry) for entry in found]
        click.echo(json.dumps(content[0] if code else content, indent=1, ensure_ascii=False))
    elif code:
        entry = found[0]
        click.echo(f"{entry.code} {entry.title}\n\n{entry.why}\n\n{entry.todo}")
    else:
        click.echo("\n".join(f"{entry.code} {entry.title}" for entry in found))
