"""The template's prompts, and the answers to them: parsed, validated, completed with defaults."""

import json
import runpy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ninefold.assets import asset_folder
from ninefold.errors import NinefoldError
from ninefold.suggestions import did_you_mean


@dataclass(frozen=True)
class Prompt:
    """What the template asks for: its words, and the choices where there are any."""

    text: str
    choices: tuple[str, ...] = ()


@cache
def prompts() -> dict[str, Prompt]:
    """Return the template's prompts by name, in the order in which it asks."""
    asked = json.loads((asset_folder("template") / "cookiecutter.json").read_text("utf-8"))
    texts = asked["__prompts__"]
    return {
        name: Prompt(texts[name], tuple(default) if isinstance(default, list) else ())
        for name, default in asked.items()
        if not name.startswith("_")
    }


def parse_answers(pairs: Iterable[str]) -> dict[str, str]:
    """Return the answers in arguments of the form KEY=VALUE. Raises NinefoldError."""
    answers = {}
    for pair in pairs:
        name, equals, answer = pair.partition("=")
        if not equals:
            raise NinefoldError(f"'{pair}' is no answer", "expected KEY=VALUE")
        _check_name(name)
        answers[name] = answer
    return answers


def check_answer(name: str, answer: str) -> None:
    """Raise NinefoldError where an answer cannot make a project, by the template's own rules."""
    _check_name(name)
    mistake = _rules()["mistake"](name, answer)
    if mistake:
        raise NinefoldError(mistake)
    choices = prompts()[name].choices
    if choices and answer not in choices:
        raise NinefoldError(f"'{name}' is '{answer}'", did_you_mean(answer, choices))


def complete_answers(answers: Mapping[str, str]) -> dict[str, str]:
    """Return an answer to every prompt: what is given, else the template's default.

    A default for `package` or `slug` that is a taken name gets another ending. Raises NinefoldError
    for an answer that cannot make a project.
    """
    for name, answer in answers.items():
        check_answer(name, answer)
    context = template_context(answers)
    complete = {name: str(context[name]) for name in prompts()}
    for name, ending in (("package", "_study"), ("slug", "-study")):
        if name not in answers and _rules()["mistake"](name, complete[name]):
            complete[name] += ending
    for name, answer in complete.items():
        check_answer(name, answer)
    return complete


def template_context(answers: Mapping[str, str]) -> dict[str, Any]:
    """Return all that the template's files can name, its private names too.

    Neither the user's cookiecutter configuration is read nor a replay file written.
    """
    from cookiecutter.generate import generate_context
    from cookiecutter.prompt import prompt_for_config

    # Cookiecutter renders what it is given: a brace has to be an expression for a brace.
    escaped = {name: answer.replace("{", "{{ '{' }}") for name, answer in answers.items()}
    choices = {name: answers[name] for name in answers if prompts()[name].choices}
    path = asset_folder("template") / "cookiecutter.json"
    context = generate_context(str(path), extra_context=escaped | choices)
    return dict(prompt_for_config(context, no_input=True))


def _check_name(name: str) -> None:
    if name not in prompts():
        raise NinefoldError(f"no prompt '{name}'", did_you_mean(name, prompts()))


@cache
def _rules() -> dict[str, Any]:
    """Return what the template's hook defines: one set of rules, whoever asks."""
    return runpy.run_path(str(asset_folder("template") / "hooks" / "pre_gen_project.py"))
