"""Texts of a stranger's in every field that is printed or rendered: what a terminal, a browser or a
reader of Markdown would obey is shown instead."""

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from attacks_conduct import OBEYED, attack
from markdown_it import MarkdownIt
from small_study import code, figure_entry, shows, table_entry
from test_fields import FAILURE, MANIFEST, NOTEBOOK, RECORD, SETTINGS, SOURCE, change
from tiny_project import judged

# A title, colours, the clipboard, a bell, a return, text that runs backwards, C1, DEL.
POISON = "\x1b]0;owned\x07\x1b[31m\x1b]52;c;aGk=\x07\rx\u202egnp\u2066\u200f\x9b31m\x85\x7f\u2028"
# Characters that Markdown keeps from prose: a reader's language may need the marks of direction.
IN_PAGES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")

FIELDS = {
    "a value's name": (RECORD, "values", POISON),
    "a table's caption": (RECORD, "tables", "best", "caption"),
    "a column's label": (RECORD, "tables", "best", "columns", 0, "label"),
    "a column's format": (RECORD, "tables", "best", "columns", 0, "format"),
    "a cell of a table": (RECORD, "tables", "best", "rows", 0, 0),
    "a figure's caption": (RECORD, "figures", "scores", "caption"),
    "a figure's description": (RECORD, "figures", "scores", "alt"),
    "a fact": (RECORD, "facts", 0, "text"),
    "a fact's value": (RECORD, "facts", 0, "values", "rows"),
    "a key too many": (RECORD, POISON),
    "a parameter": (RECORD, "key", "parameters", "a"),
    "a parameter's name": (RECORD, "key", "parameters", POISON),
    "a setting's name": (RECORD, "key", "settings", POISON),
    "a setting": (RECORD, "key", "settings", "study.seed"),
    "a file's name": (RECORD, "key", "files", POISON),
    "a library's name": (RECORD, "key", "libraries", POISON),
    "a library's version": (RECORD, "key", "libraries", "numpy"),
    "a section's name": (RECORD, "key", "sections", POISON),
    "a commit": (RECORD, "run", "commit"),
    "a version": (RECORD, "run", "versions", "numpy"),
    "a variant": (RECORD, "evaluations", POISON),
    "a metric": (RECORD, "evaluations", "linear", "metric"),
    "an error": (FAILURE, "error"),
    "a message": (FAILURE, "message"),
    "what to do": (FAILURE, "todo"),
    "a failed cell": (FAILURE, "lines"),
    "a language": ("sections/4-baseline.ipynb", "metadata", "language_info"),
    "a cell's kind": ("sections/4-baseline.ipynb", "cells", 0, "cell_type"),
    "prose": ("sections/4-baseline.ipynb", "cells", 0, "source"),
    "code": (NOTEBOOK, "cells", 1, "source"),
    "what code printed": (NOTEBOOK, "cells", 2, "outputs", 0, "data"),
    "a display's kind": (
        NOTEBOOK,
        "cells",
        1,
        "outputs",
        0,
        "data",
        "application/vnd.ninefold+json",
    ),
    "the dataset's name": (SOURCE, "file"),
    "a file of the report": (MANIFEST, "formats", "github", f"report/figures/{POISON}"),
}
INSTEAD = {
    "a failed cell": [POISON],
    "a language": {"name": POISON},
    "a variant": judged(),
    "what code printed": {"text/plain": POISON},
    "a display's kind": {"schema": 1, "kind": POISON, "name": POISON},
    "a file of the report": "0" * 64,
}


def pages(root: Path) -> str:
    texts = [path.read_text("utf-8") for path in sorted((root / "report").glob("*.md"))]
    return "\n".join([*texts, (root / "README.md").read_text("utf-8")])


@pytest.mark.parametrize("field", FIELDS)
def test_no_field_of_a_file_reaches_a_terminal_or_a_page_as_it_is(victim, canary, arena, field):
    name, *place = FIELDS[field]
    change(victim.root, name, *place, to=INSTEAD.get(field, POISON))
    attack(arena, victim.root, canary)
    assert not IN_PAGES.search(pages(victim.root))


SPELLED = json.dumps(POISON)  # as TOML has it, too
ADDED = {
    "title": ('title = "Penguins & *friends*"', f"title = {SPELLED}"),
    "author": ('author = "A. Person"', f"author = {SPELLED}"),
    "target": ('target = "species"', f"target = {SPELLED}"),
    "origin": ('origin = "Palmer Station"', f"origin = {SPELLED}"),
    "licence": ('licence = "CC0-1.0"', f"licence = {SPELLED}"),
    "a key too many": ("[data]", f"[data]\n{SPELLED} = 1"),
    "a table too many": ("[data]", f"[{SPELLED}]\n[data]"),
    "a wrong value": ("[data]", f"[data]\ndrop = {SPELLED}"),
    "a section": ("[data]", f"[sections.{SPELLED}.parameters]\na = 1\n[data]"),
    "a parameter": ("[data]", f'[sections."4-baseline".parameters]\n{SPELLED} = {SPELLED}\n[data]'),
    "a point": ("[data]", f'[sections."4-baseline".grid]\n{SPELLED} = [{SPELLED}]\n[data]'),
    "why quick": ("[data]", f"[harness]\nquick = {SPELLED}\n[data]"),
}


@pytest.mark.parametrize("setting", ADDED)
def test_no_setting_reaches_a_terminal_or_a_page_as_it_is(victim, canary, arena, setting):
    path = victim.root / SETTINGS
    old, new = ADDED[setting]
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    attack(arena, victim.root, canary)
    assert not IN_PAGES.search(pages(victim.root))


NAMES = {
    "escapes": b"\x1b]0;owned\x07\x1b[31m\xe2\x80\xae",
    "no UTF-8": b"caf\xe9 \xff",
    "a line feed": b"two\nlines",
    "links": b"4-my notes (v2) [x]<b>|`",
}
FILES = (
    *("sections/3-{}.ipynb", "sections/{}.ipynb", "sections/5-experiments/3-{}.ipynb"),
    *(
        "sections/3-{}.md",
        "data/{}.csv",
        "report/figures/{}.svg",
        "results/4-baseline@{}/record.json",
    ),
    *("penguins/{}.py", "results/4-baseline/figures/{}.svg", "{}"),
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("file", FILES)
def test_no_name_of_a_file_reaches_a_terminal_or_a_page_as_it_is(victim, canary, arena, name, file):
    path = victim.root / file.replace("{}", os.fsdecode(NAMES[name]))
    path.parent.mkdir(parents=True, exist_ok=True)
    content = (victim.root / "sections/4-baseline.ipynb").read_bytes()
    path.write_bytes(content if file.endswith("ipynb") else b"# 3\n")
    attack(arena, victim.root, canary)
    assert not IN_PAGES.search(pages(victim.root))


def test_a_notebook_s_links_lead_to_it_whatever_it_is_called(victim, canary, arena):
    name = "4-my notes (v2) [x] #1 ü%"
    figure = figure_entry("scores")
    record = {"figures": {"scores": figure}, "tables": {"best": table_entry(["a", 1.0])}}
    shown = (shows(name, "figure", "scores"), shows(name, "table", "best"))
    victim.ran(name, "# Notes", code("x", *shown), **record)
    attack(arena, victim.root, canary)
    html = MarkdownIt("commonmark").enable("table").render(pages(victim.root))
    from urllib.parse import unquote

    links = {unquote(link) for link in re.findall(r'(?:href|src|srcset)="([^"#]+)"', html)}
    for link in links - {"report/README.md"}:
        folder = victim.root if link.startswith("report/") else victim.root / "report"
        assert (folder / link).exists(), link
    assert f"../sections/{name}.ipynb" in links


class Tags(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.seen: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(f"{tag} {name}" for name, _ in attributes)}
        self.seen |= {str(value) for _, value in attributes if str(value).startswith("java")}


MARKUP = (
    '<script>alert(1)</script><img src=x onerror=alert(1)> "><svg onload=alert(1)> '
    "[a](javascript:alert(1)) ![b](http://x/y.png) <b> ``` ` *c* _d_ | e | \\ --> {{ x }} &lt;i&gt;"
)


@pytest.mark.parametrize(
    "field",
    [
        *("a value's name", "a table's caption", "a column's label", "a cell of a table"),
        *("a figure's caption", "a figure's description", "a fact", "a fact's value"),
        *("a parameter", "an error", "a message", "a failed cell", "code", "what code printed"),
        *("a variant", "a version"),
    ],
)
def test_markup_in_a_field_is_text_on_a_page(victim, canary, arena, field):
    def tags() -> set[str]:
        attack(arena, victim.root, canary)
        return Tags(MarkdownIt("commonmark").enable("table").render(pages(victim.root))).seen

    usual = tags()
    name, *place = [MARKUP if step == POISON else step for step in FIELDS[field]]
    instead = json.loads(
        json.dumps(INSTEAD.get(field, POISON)).replace(SPELLED[1:-1], MARKUP_SPELLED)
    )
    change(victim.root, name, *place, to=instead)
    assert tags() - usual <= {"code class", "p", "blockquote", "br"}


MARKUP_SPELLED = json.dumps(MARKUP)[1:-1]


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252", "utf-16"])
def test_an_output_that_lacks_a_character_replaces_it(victim, canary, arena, encoding):
    victim.page("8-extensions", "# Größe → 🐧\n\n> **DRAFT** Größe → 🐧?\n")
    for command in (["status"], ["check"], ["report"], ["explain"], ["--help"]):
        plain = arena.run(victim.root, *command, canary=canary)
        done = arena.run(victim.root, *command, canary=canary, PYTHONIOENCODING=encoding)
        assert (done.status, "Traceback" in done.said) == (plain.status, False)
    done = arena.run(victim.root, "check", "--json", canary=canary, PYTHONIOENCODING=encoding)
    raw = done.stdout if encoding != "utf-16" else done.stdout.replace("\0", "").lstrip("\ufffd")
    assert any("Größe → 🐧" in f["message"] for f in json.loads(raw)["findings"])


@pytest.mark.parametrize(
    "command",
    [
        ["explain", POISON],
        ["run", POISON],
        ["run", "-p", f"{POISON}=1"],
        ["run", "-j", POISON],
        [POISON],
        [f"--{POISON[1:]}"],
        ["report", "--format", POISON],
        ["predict", POISON],
        ["new", POISON, "--data", POISON],
        ["new", "a", "--data", "builtin:iris", f"{POISON}=1"],
        ["new", "a", "--data", "builtin:iris", "--target", POISON],
        ["new", POISON, "b"],
        ["demo", "--data", POISON],
    ],
)
def test_what_a_shell_hands_on_is_not_obeyed_either(victim, canary, arena, command):
    """A glob may have made it of a stranger's file names."""
    done = arena.run(victim.root, *[part.replace("\0", "") for part in command], canary=canary)
    assert done.status in (1, 2)
    assert not OBEYED.search(done.said), done.said


HEADERS = f"mass,{POISON},species\n1,2,a\n2,3,b\n3,4,{POISON}\n4,5,{POISON}\n"


@pytest.mark.parametrize("target", ["species", "nosuch", POISON])
def test_a_table_s_names_are_not_obeyed_when_a_project_is_made_of_it(
    tmp_path, canary, arena, target
):
    path = tmp_path / "rows.csv"
    path.write_text(HEADERS.replace("\r", "").replace("\x85", "").replace("\u2028", ""), "utf-8")
    done = arena.run(
        *(tmp_path, "new", "made", "--data", str(path), "--target", target, "--no-git"),
        canary=canary,
    )
    assert done.status in (0, 1)
    assert not OBEYED.search(done.said), done.said


@pytest.mark.parametrize("command", ["status", "check", "report", "run"])
def test_json_is_json_whatever_happens(tmp_path, victim, canary, arena, command):
    options = ["--dry-run"] if command == "run" else []
    for folder in (victim.root, tmp_path):
        done = arena.run(folder, command, "--json", *options, canary=canary)
        assert isinstance(json.loads(done.stdout), dict)
    assert "no ninefold.toml" in json.loads(done.stdout)["error"]
    assert done.status == 1
    (victim.root / SETTINGS).write_text("[")
    done = arena.run(victim.root, command, "--json", *options, canary=canary)
    assert json.loads(done.stdout).keys() <= {"error", "findings", "errors", "warnings"}


def test_code_in_a_fact_is_shown_in_the_report_and_not_obeyed(victim, canary, arena):
    record = json.loads((victim.root / RECORD).read_text())
    record["facts"][0] = {"kind": "fact", "text": "`\x1b[31m evil \u202e x`", "values": {}}
    (victim.root / RECORD).write_text(json.dumps(record))
    attack(arena, victim.root, canary)
    report = (victim.root / "report/README.md").read_text("utf-8")
    assert "`\\x1b[31m evil \\u202e x`" in report
    assert not OBEYED.search(report)
