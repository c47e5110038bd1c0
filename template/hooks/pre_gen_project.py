"""Refuse answers that cannot make a project, before anything is written.

Standard library only: plain cookiecutter runs this where nothing else is installed. `ninefold new`
reads the same rules from here.
"""

import json
import keyword
import re
import sys
import unicodedata

# Names that an import in the project means, or that are folders of the project.
TAKEN = {
    *("cookiecutter", "keras", "matplotlib", "ninefold", "numpy", "pandas", "scipy", "sklearn"),
    *("tensorflow", "data", "report", "results", "sections", "tests", "vendor"),
    *getattr(sys, "stdlib_module_names", ()),
}
NEEDED = ("data", "target", "title", "slug", "package", "ninefold_source")
UNSEEN = {"Cc", "Cs", "Zl", "Zp"}  # control characters, half characters, ends of lines

# answer: (what it must match, what that means); an empty answer to an optional prompt is fine
SHAPES = {
    "data": (
        r"builtin:\w+|(?!builtin:)(?!\.{1,2}$)(?!(README\.md|SOURCE\.json)$)[^/\\]+",
        "the name of a file without its folder, or builtin:NAME",
    ),
    "slug": (r"[A-Za-z0-9][A-Za-z0-9._-]*", "letters, digits, '.', '-' and '_'"),
    "package": (r"[a-z_][a-z0-9_]*", "small letters, digits and '_', not a digit first"),
    "email": (r"[^\s@]+@[^\s@]+\.[^\s@]{2,}", "an address such as ada@example.org"),
    "github": (r"[A-Za-z0-9](-?[A-Za-z0-9]){0,38}", "the name of a GitHub user"),
    "python_version": (r"3\.(1[1-9]|[2-9]\d)", "3.11 or later, such as 3.12"),
}


def mistake(name, answer):
    """Return what is wrong with one answer, or an empty text."""
    if not answer.strip():
        return f"'{name}' is empty" if name in NEEDED else ""
    if any(unicodedata.category(character) in UNSEEN for character in answer):
        return f"'{name}' holds a line break or a control character"
    shape, meaning = SHAPES.get(name, (r".*", ""))
    if not re.fullmatch(shape, answer):
        return f"'{name}' is '{answer}'; expected {meaning}"
    if name == "package" and (keyword.iskeyword(answer) or answer in TAKEN):
        return f"'package' is '{answer}'; expected a name that is not taken yet"
    return ""


def first_mistake(answers):
    """Return what is wrong with the first answer that is wrong, or an empty text."""
    found = (mistake(name, value) for name, value in answers.items() if isinstance(value, str))
    return next(filter(None, found), "")


if __name__ == "__main__":
    given = json.loads(r'{{ cookiecutter | tojson }}')
    line = first_mistake({name: given[name] for name in given if not name.startswith("_")})
    if line:
        print(f"ninefold: {line}", file=sys.stderr)
        sys.exit(1)
