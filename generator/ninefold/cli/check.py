"""`ninefold check`: print what is wrong or unfinished in a study."""

import sys
from pathlib import Path

import click

from ninefold.cli.shell import echo, echo_json, json_option
from ninefold.project import find_project
from ninefold.publishing.checks import Finding, check_project
from ninefold.visible import visible_line


@click.command(epilog="Example: ninefold check --strict")
@click.option("--strict", is_flag=True, help="Exit 1 for warnings too.")
@json_option("Print the findings as JSON.")
def check(strict: bool, as_json: bool) -> None:
    """Look for what is wrong or unfinished in a study.

    Each finding is a line: place, severity, code, what. Errors exit 1; warnings, a part that is
    still to be written for example, only with --strict. `ninefold explain CODE` says more.
    """
    findings = check_project(find_project(Path.cwd()))
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    if as_json:
        content = {
            "findings": [_as_json(finding) for finding in findings],
            "errors": errors,
            "warnings": warnings,
        }
        echo_json(content)
    else:
        for finding in findings:
            echo(_line(finding))
        echo(_total(errors, warnings))
    if errors or (strict and warnings):
        sys.exit(1)


def _as_json(finding: Finding) -> dict[str, str]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "where": finding.where,
        "message": finding.message,
        "todo": finding.todo,
    }


def _line(finding: Finding) -> str:
    said = f"{finding.where}: {finding.severity} {finding.code}: {finding.message}"
    # What to do about a prompt is to answer it, and there may be thirty of them.
    lines = [said] if finding.code == "NF201" else [said, f"    {finding.todo}"]
    return "\n".join(map(visible_line, lines))


def _total(errors: int, warnings: int) -> str:
    if not errors + warnings:
        return "nothing found"
    counts = [(errors, "error"), (warnings, "warning")]
    said = (f"{count} {name}{'s' if count > 1 else ''}" for count, name in counts if count)
    return f"{', '.join(said)}; 'ninefold explain CODE' says more"
