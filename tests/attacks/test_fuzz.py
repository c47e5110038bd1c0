"""Two thousand mutations of a real project's files, each under every command: no traceback, and no
exit status but those that the README names."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from ninefold.cli import main
from ninefold.study import final

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[1] / "data" / "projects" / "version-1"
NAMES = sorted(p.relative_to(PROJECT).as_posix() for p in PROJECT.rglob("*") if p.is_file())
MODEL = [name for name in NAMES if "/model/" in name]
# What a command looks into is met more often than what it only copies.
READ = [name for name in NAMES if name.endswith((".json", ".ipynb", ".toml", ".md", ".jsonl"))]
CHOSEN = st.sampled_from(READ) | st.sampled_from(READ) | st.sampled_from(MODEL + NAMES)
STATUSES = {0, 1, 2, 130}
COMMANDS = (["status", "--json"], ["check"], ["report"], ["run", "--dry-run"])
ROUNDS = 8  # of 250 mutations
OTHERS = (
    *(None, True, -1, 0, 1.5, 10**30, 1e308, "", "x", "../../x", "/dev/zero", "\x1b[31m", "\u202e"),
    *("{x}", "{{ x }}", "nan", [], {}, [[]], {"": None}, "a\nb", "|`*<", "figures/x.svg"),
)
BYTES = (
    *(b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"{", b"[" * 3000, b'"', b"\\", b"\r", b"\x1b]0;x\x07"),
    *(b"1" * 400, b"1e999", b"NaN", b"<!-- ", b"{{ ", b"{{ x | y }}", b"```", b"$$", b"\n", b"> "),
    *(b"| a | b |\n|---|---|\n", b"# ", b"](x)", b"> **DRAFT** {{ a }}\n"),
)
LITERALS = (
    *("0", "-1", "1e400", "nan", "true", '""', '"x"', "[]", "[[]]", '["a", 1]', "{}", "2024-01-01"),
    *('"../../x"', '"\\u001b[31m"', '"builtin:nosuch"', "9" * 30, "[1, 1]", '"auto"', "1979"),
)


def descend(value: Any, draw: Callable) -> tuple[Any, Any]:
    """Return a place inside a JSON value: what holds it, and its name or number there. On each
    level the chance is the same, so that what there is little of is met as often."""
    while True:
        steps = list(value) if isinstance(value, dict) else list(range(len(value)))
        step = draw(st.sampled_from(steps))
        below = value[step]
        if not (isinstance(below, (dict, list)) and below) or draw(st.integers(0, 3)) == 0:
            return value, step
        value = below


def of_json(content: bytes, draw: Callable) -> bytes:
    """Return JSON with one value changed, removed, renamed or doubled."""
    whole = json.loads(content)
    inner, step = descend(whole, draw)
    match draw(st.sampled_from(["change", "change", "remove", "rename", "double"])):
        case "change":
            inner[step] = draw(st.sampled_from(OTHERS))
        case "remove":
            del inner[step]
        case "rename" if isinstance(inner, dict):
            inner[str(draw(st.sampled_from(OTHERS)))] = inner.pop(step)
        case _ if isinstance(inner, list):
            inner.append(inner[step])
        case _:
            inner[step] = [inner[step]]
    return json.dumps(whole).encode()


def of_lines(content: bytes, draw: Callable) -> bytes:
    """Return settings with the value of one line another, or the line gone, or there twice."""
    lines = content.decode().split("\n")
    number = draw(st.integers(0, len(lines) - 1))
    key, equals, _ = lines[number].partition(" = ")
    match draw(st.sampled_from(["value", "value", "gone", "twice", "grid"])):
        case "value" if equals:
            lines[number] = f"{key} = {draw(st.sampled_from(LITERALS))}"
        case "twice":
            lines.insert(number, lines[number])
        case "grid":
            section = draw(st.sampled_from(["4-baseline", "5-experiments/1-spot-check", "nosuch"]))
            kind = draw(st.sampled_from(["grid", "parameters", "gird"]))
            lines += [f'[sections."{section}".{kind}]', f"a = {draw(st.sampled_from(LITERALS))}"]
        case _:
            del lines[number]
    return "\n".join(lines).encode()


def of_bytes(content: bytes, draw: Callable) -> bytes:
    """Return bytes with some cut, doubled, replaced or put in."""
    start = draw(st.integers(0, len(content)))
    stop = min(start + draw(st.integers(0, 200)), len(content))
    match draw(st.sampled_from(["cut", "end", "double", "put in", "put in", "random", "swap"])):
        case "cut":
            return content[:start] + content[stop:]
        case "end":
            return content[:start]
        case "double":
            return content[:stop] + content[start:]
        case "put in":
            return content[:start] + draw(st.sampled_from(BYTES)) + content[start:]
        case "random":
            return content[:start] + draw(st.binary(min_size=1, max_size=20)) + content[stop:]
    return (PROJECT / draw(st.sampled_from(NAMES))).read_bytes()


def of_files(path: Path, draw: Callable) -> None:
    """Put something else in the place of a file, or take it away."""
    kind = draw(st.sampled_from(["gone", "folder", "pipe", "link", "loop", "zero", "renamed"]))
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link":
            target = draw(st.sampled_from(["..", ".", "/etc/passwd", "../../ninefold.toml"]))
            path.symlink_to(target)
        case "loop":
            path.symlink_to(path.name)
        case "zero":
            path.symlink_to("/dev/zero")
        case "renamed":
            name = draw(st.sampled_from(["x\x1b[1m.json", "3-caf\udce9.ipynb", "1-\n.md"]))
            path.with_name(name).touch()


OF_FORM = {".json": of_json, ".ipynb": of_json, ".toml": of_lines}


def mutate(path: Path, draw: Callable) -> None:
    """Change a file, mostly so that it keeps its form."""
    how = draw(st.sampled_from(["form", "form", "form", "bytes", "bytes", "file"]))
    if how == "file":
        of_files(path, draw)
        return
    change = OF_FORM.get(path.suffix, of_bytes) if how == "form" else of_bytes
    path.write_bytes(change(path.read_bytes(), draw))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    base = Path(shutil.copytree(PROJECT, tmp_path_factory.mktemp("fuzz") / "as it was"))
    for path in base.rglob("notebook.ipynb"):  # or most mutations would be of pictures
        text = path.read_text("utf-8")
        path.write_text(re.sub(r'"image/png": "[^"]*"', '"image/png": "iVBORw0KGgo="', text))
    (base.parent / "new.csv").write_text(
        "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n5,3,1,0.2\n"
    )
    return Path(shutil.copytree(base, base.with_name("a study")))


def put_back(root: Path, names: list[str]) -> None:
    """Have those files, the report and the README as they were, and nothing beside them."""
    base = root.with_name("as it was")
    for folder in {(root / name).parent for name in names}:
        for path in folder.iterdir():
            name = path.relative_to(root).as_posix()
            if name in names or not (base / name).exists():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    shutil.rmtree(root / "report", ignore_errors=True)
    shutil.copytree(base / "report", root / "report")
    for name in {*names, "README.md"}:
        shutil.copyfile(base / name, root / name)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_no_mutation_of_a_project_s_files_is_more_than_a_line(root, number, monkeypatch):
    monkeypatch.chdir(root)
    monkeypatch.setattr(final, "predict_in_fresh_process", final.predict_rows)  # seconds each

    @seed(9_000 + number)
    @settings(
        max_examples=2_000 // ROUNDS, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def attack(data) -> None:
        names = data.draw(st.lists(CHOSEN, min_size=1, max_size=2, unique=True))
        try:
            for name in names:
                mutate(root / name, data.draw)
            attempt(names)
        finally:
            put_back(root, names)

    attack()


def attempt(names: list[str]) -> None:
    """Run every command on the project as it is; predict where its model may be another."""
    predicts = any(name in MODEL or name == "ninefold.toml" for name in names)
    for command in (*COMMANDS, *([["predict", "../new.csv"]] if predicts else [])):
        done = CliRunner().invoke(main, command)
        assert done.exit_code in STATUSES, (command, names, done.exception)
        crashed = done.exception and not isinstance(done.exception, SystemExit)
        assert not crashed, (command, names, done.exc_info)
        assert "Traceback" not in done.output
