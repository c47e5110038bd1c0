"""Every number that a reader of a real report sees is traced to the record that it was computed in,
and what is computed from fold scores is computed again here."""

import hashlib
import html
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from quick_study import record_of, report_of
from scipy import stats

from ninefold.formats import fill, show
from ninefold.history import read_history
from ninefold.project import find_project
from ninefold.publishing.blocks import (
    Document,
    DocumentSection,
    Fact,
    Figure,
    Forecast,
    Note,
    Prompt,
    Prose,
    Quotation,
    Table,
)
from ninefold.publishing.context import read_records
from ninefold.publishing.document import build_document
from ninefold.publishing.final_values import FinalValues
from ninefold.publishing.headline import headline
from ninefold.study.figures import save
from ninefold.study.metrics import METRICS

pytestmark = pytest.mark.slow

# The only numbers that a text may spell out. Of a computed line, a caption, a label:
CONVENTIONS = (
    r"\b95 % intervals?",  # the level of every interval
    r"\(95 %\)",
    r"P equal ≥ 95 %|p < 0\.05|leaves out 0\b",  # what a verdict needs
    r"correlated above 0\.95",  # what counts as strongly
    r"F1\b|R²|\bl[12]\b",  # names of metrics and of keywords
    r"\bSHA-256\b",
    r"\bsection \d\b|\bsections \d to \d\b",
)
# Of the author's prose (here the template's):
PROSE = (
    r"\bL[12]\b",  # penalties
    r"\bSHA-256\b",
    r"\b[Ss]ection \d\b",
    r"\([A-Z][\w&. ]+, (19|20)\d\d\)",  # citations, (Bergstra & Bengio, 2012)
    r"^- [^\n:]+: [^\n]+ \((19|20)\d\d\), \*(?:[^\n]|\n  )*",  # items of a bibliography
)


@pytest.fixture
def document(finished):
    project = find_project(finished)
    return build_document(project, read_records(project), read_history(project.files))


def pointed_at(root: Path, source: str):
    """Return the value at "file#/a/b", read from the file itself."""
    name, _, path = source.partition("#")
    if name == "results":  # a sum over all records
        records = [json.loads(p.read_text("utf-8")) for p in root.glob("results/**/record.json")]
        return {
            "/run/fits": sum(record["fits"] for record in records),
            "/run/seconds": sum(record["run"]["seconds"] for record in records),
        }[path]
    text = (root / name).read_text("utf-8")
    value = tomllib.loads(text) if name.endswith(".toml") else json.loads(text)
    for key in path.removeprefix("/").split("/"):
        key = key.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def without_code(text: str) -> str:
    """Return Markdown as a reader sees it, code and pictures' addresses left out."""
    text = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    text = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r'<source [^>]*>|src="[^"]*"|width="100%"', "", text)
    return html.unescape(text)


def parts(document: Document, text: str) -> Iterator[tuple[DocumentSection | None, str]]:
    """Yield what stands before the first section, then each section with its text."""
    start, section = 0, None
    for following in document.sections:
        heading = html.unescape(f"\n{'#' * (1 + following.depth)} {following.heading}\n")
        end = text.index(heading, start)
        yield section, text[start:end]
        start, section = end + len(heading), following
    yield section, text[start:]


class Reader:
    """A text from which what is accounted for is cut."""

    def __init__(self, text: str):
        self.text = text

    def cut(self, part: str) -> None:
        assert part in self.text, f"the report does not show {part!r}"
        self.text = self.text.replace(part, "⟨⟩", 1)

    def assert_no_numbers(self, *, where: str) -> None:
        left = re.sub(r"\]\([^)]*\)|<[^<>]*>|`[^`\n]*`", "", self.text)  # addresses, code
        lines = [line for line in left.splitlines() if re.search(r"\d", line)]
        assert lines == [], f"{where}: numbers that no record accounts for"


def assert_spells_no_numbers(text: str, *allowed: str) -> None:
    """Fail for a number in a text that is not in code, an address or a pattern of `allowed`."""
    bare = re.sub(r"<https?:[^>]*>|https?:\S+|`[^`\n]*`", "", text)
    for pattern in allowed:
        bare = re.sub(pattern, "", bare, flags=re.MULTILINE)
    assert re.findall(r".*\d.*", bare) == []


def called(record: dict) -> set[str]:
    """Return what the variants of a section are called: its own, and those that section 7 sets side
    by side."""
    names = set(record.get("evaluations", ()))
    if record.get("section") == "7-final-model":
        values = record["values"]
        beside = (values["best"], values.get("rival") or {}, *values["beside"].values())
        names |= {part["name"] for part in beside if "name" in part}
    return names


def account_for_computed(reader: Reader, block, root: Path, record: dict | None) -> bool:
    """Compare a computed block with the record that it points to, and cut what that shows.

    Returns whether it was one.
    """
    # What variants are called, the longest first: "L1 and L2 0.001".
    names = [re.escape(n) for n in sorted(called(record or {}), key=len)[::-1]]
    found = pointed_at(root, source) if (source := getattr(block, "source", "")) else {}
    match block:
        case Table():
            assert [list(row) for row in block.rows] == found["rows"]
            labels = [column["label"].strip() for column in found["columns"]]
            forms = [column["format"] for column in found["columns"]]
            reader.cut(f"<sub>⚙ {found['caption']}</sub>")
            reader.cut(f"| {' | '.join(labels)} |")
            for row in found["rows"]:
                cells = (show(value, form) for value, form in zip(row, forms, strict=True))
                reader.cut("| " + " | ".join(" ".join(cell.split()) for cell in cells) + " |")
            own_count = f"first {len(found['rows'])} development rows"
            assert_spells_no_numbers(found["caption"], own_count, *names, *CONVENTIONS)
            assert_spells_no_numbers(" ".join(labels), *names, *CONVENTIONS)
        case Figure():
            shown = (block.data, block.alt, block.caption)
            assert shown == (found["data"], found["alt"], found["caption"])
            reader.cut(f'alt="{found["alt"]}"')
            reader.cut(f"<sub>⚙ {found['caption']}</sub>")
            for text in (found["alt"], found["caption"]):
                assert_spells_no_numbers(text, *names, *CONVENTIONS)
        case Fact() if source.endswith("#/key/parameters"):
            assert block.values == found
            assert_spells_no_numbers(re.sub(r"\{\w+\}", "", block.text))
            reader.cut(fill(block.text, found))
        case Fact() | Note() if found:
            assert (block.text, block.values) == (found["text"], found["values"])
            reader.cut(" ".join(fill(found["text"], found["values"]).split()))
            assert_spells_no_numbers(re.sub(r"\{\w+(:\w+)?\}", "", found["text"]), *CONVENTIONS)
        case Fact():
            assert block.values == of_all_records(root, block.values)
            reader.cut(" ".join(fill(block.text, block.values).split()))
            assert_spells_no_numbers(re.sub(r"\{\w+(:\w+)?\}", "", block.text), *CONVENTIONS)
        case Forecast():
            assert found["stated"] == block.stated == "never"
            assert record is not None
            assert record["values"]["outcome"] == block.outcome
            reader.cut("No expectation was stated.")
    return isinstance(block, Table | Figure | Fact | Note | Forecast)


def of_all_records(root: Path, shown: dict) -> dict:
    """Return the values of a line at the end of the report, computed again from the files: what was
    tried, the data's digest, or the log. Of what was tried the numbers of the line are summed up.
    """
    if "tries" in shown:
        entries = [
            entry
            for path in root.glob("results/[456]-*/**/record.json")
            for entry in json.loads(path.read_text("utf-8"))["evaluations"].values()
        ]
        parts = ("variant", "members", "summary")
        different = {json.dumps([e[part] for part in parts], sort_keys=True) for e in entries}
        assert sum(map(int, re.findall(r"\d+", shown["tries"]))) == len(different)
        return shown
    if "sha256" in shown:
        content = (root / "data" / "penguins.csv").read_bytes()
        return {"source": "data/penguins.csv", "sha256": hashlib.sha256(content).hexdigest()}
    lines = (root / "results" / "history.jsonl").read_bytes().splitlines()
    kinds = Counter(json.loads(line)["kind"] for line in lines)
    counts = (
        f"{kinds['run']} runs, {kinds['forecast']} forecasts, "
        f"{kinds['look']} scoring of the hold-out, {kinds['read']} other reads of it"
    )
    head = hashlib.sha256(lines[-1]).hexdigest()[:16]
    return {"file": "results/history.jsonl", "counts": counts, "head": head}


def account_for_written(reader: Reader, block: Prose | Prompt, root: Path) -> None:
    """Compare what prose quotes with the places it points to, and cut the prose."""
    written = html.unescape(block.markdown if isinstance(block, Prose) else block.text)
    text = written
    for quotation in block.quoted:
        assert shown_by(quotation, root) == quotation.text
        assert quotation.text in text
        text = text.replace(quotation.text, "⟨⟩", 1)
    assert_spells_no_numbers(text, *PROSE)
    for line in filter(None, written.split("\n")):
        reader.text = reader.text.replace(line, "⟨⟩", 1)


def shown_by(quotation: Quotation, root: Path) -> str:
    """Return what an expression gives for the value in the file that it names."""
    value = pointed_at(root, quotation.source)
    for name in quotation.expression.split("|")[1:] or [""]:
        value = show(value, name.strip())
    return value


def test_every_number_in_the_sections_comes_from_a_record(finished, document):
    counted: Counter[str] = Counter()
    for section, text in parts(document, without_code(report_of(finished))):
        if section is None:
            continue
        path = finished / "results" / section.id / "record.json"
        record = json.loads(path.read_text("utf-8")) if path.exists() else None
        reader = Reader(text)
        for block in section.blocks:
            if isinstance(block, Prose | Prompt):
                account_for_written(reader, block, finished)
                counted["quotations"] += len(block.quoted)
            elif account_for_computed(reader, block, finished, record):
                counted[type(block).__name__] += 1
        reader.assert_no_numbers(where=section.id)
    least = {"Fact": 20, "Table": 15, "Figure": 20, "Forecast": 5, "quotations": 20}
    assert all(counted[kind] >= number for kind, number in least.items()), counted


def first_lines(root: Path, values: dict) -> Iterator[str]:
    """Yield alarms, the headline and what is said of the rival, from what records hold."""
    data = record_of(root, "2-data-summary")["values"]
    for alarm in (*values.get("alarms", []), *data.get("alarms", [])):
        yield fill(alarm["text"], alarm["values"])
    yield headline(FinalValues.model_validate(values))
    rival = values.get("rival")
    if rival and rival["name"] != values["simple"]["name"]:
        expected = f"by cross-validation {show(rival['expected'], 'score')}"
        yield f"| best network: {rival['name']} | {show(rival['score'])} | {expected} |"
    if rival:
        held, folds = rival["holdout"], rival["folds"]
        label = f"difference from {rival['name']}, paired"
        yield f"| {label} | {show(held['mean'], 'signed')} | {show(held, 'interval')} |"
        adjusted = f"adjusted for {rival['compared']} candidates"
        yield f"| {show(folds['mean'], 'signed')} | {show(folds, 'interval')}, {adjusted} |"


def test_every_number_of_the_first_minute_comes_from_the_final_models_record(finished, document):
    values = record_of(finished, "7-final-model")["values"]
    summary = record_of(finished, "2-data-summary")["values"]
    label = "log loss (lower is better)"
    (best, simple), place = (values["best"]["name"], values["simple"]["name"]), "the score is "
    place += "inside" if values["inside"] else "OUTSIDE"
    between = {
        name: f"{show(values[name]['low'])} to {show(values[name]['high'])}"
        for name in ("holdout", "range")
    }
    (scores,) = (
        row for row in record_of(finished, "7-final-model")["tables"]["holdout-scores"]["rows"]
        if row[0] == "accuracy"
    )  # fmt: skip
    for file, until in (("report/README.md", "\n## 1. "), ("README.md", "\n## Work on it")):
        text = without_code((finished / file).read_text("utf-8"))
        reader = Reader(text[: text.index(until)])
        rows, held_out = summary["rows"], values["holdout"]["n"]
        reader.cut(f"{rows} development rows")
        reader.cut(f"hold-out of {held_out} rows, looked at once")
        reader.cut(f"accuracy {show(scores[1])} ({show(scores[2], 'interval')})")
        reader.cut(f"| on the hold-out | {label} | 95 % interval |")
        score, mean = show(values["holdout"]["score"]), show(values["range"]["mean"])
        reader.cut(f"| final model: {best} | **{score}** | {between['holdout']} |")
        reader.cut(f"predicted by cross-validation | {mean} | {between['range']}, {place} |")
        for part in first_lines(finished, values):
            reader.cut(part)
        if simple != best:
            expected = f"by cross-validation {show(values['simple']['expected'], 'pm')}"
            score = show(values["simple"]["score"])
            reader.cut(f"| best simple model: {simple} | {score} | {expected} |")
        reader.cut(f"| strongest constant | {show(values['constant'])} |")
        reader.cut(f"{document.unwritten} of {document.parts} parts are still to be written")
        if file != "README.md":
            reader.cut("NF201")
            for section in document.sections:
                reader.cut(f"[{section.heading}](#{section.anchor})")
        reader.assert_no_numbers(where=file)


def test_every_figure_draws_the_data_of_its_record(finished, tmp_path):
    drawn = 0
    for path in sorted(finished.glob("results/**/record.json")):
        record = json.loads(path.read_text("utf-8"))
        for name, figure in record["figures"].items():
            save(figure["drawing"], figure["data"], tmp_path, name)
            for file in figure["files"].values():
                assert (tmp_path / file).read_bytes() == (path.parent / file).read_bytes(), file
                shown = f"{record['section'].replace('/', '-')}-{Path(file).name}"
                assert (finished / "report" / "figures" / shown).read_bytes() == (
                    tmp_path / file
                ).read_bytes()
                drawn += 1
    assert drawn >= 40


def test_means_and_intervals_are_those_of_the_recorded_folds(finished):
    """The interval of Nadeau and Bengio (2003), written down once more."""
    checked = 0
    for path in finished.glob("results/**/record.json"):
        for evaluation in json.loads(path.read_text("utf-8"))["evaluations"].values():
            for metric, scores in evaluation["scores"].items():
                summary = evaluation["summary"][metric]
                assert len(scores) == evaluation["folds"] * evaluation["repeats"] == 3
                assert summary["mean"] == pytest.approx(np.mean(scores), rel=1e-4)
                seeds = np.array(evaluation.get("scores_by_seed", {}).get(metric, [scores]))
                means, rho = seeds.mean(axis=0), evaluation["n_test"] / evaluation["n_train"]
                assert means == pytest.approx(np.array(scores), rel=1e-4)
                spread, shared = np.var(means, ddof=1), np.var(means, ddof=1)
                if len(seeds) > 1:  # what the seeds explain is not shared
                    explained = np.var(seeds, axis=0, ddof=1).mean() / len(seeds)
                    shared = max(spread - explained, spread / 5)
                error = np.sqrt(spread / len(scores) + rho * shared)
                half = stats.t.ppf(0.975, len(scores) - 1) * error
                low, high = METRICS[metric].limits(3)
                expected = (max(np.mean(scores) - half, low), min(np.mean(scores) + half, high))
                assert (summary["low"], summary["high"]) == pytest.approx(
                    expected, rel=1e-3, abs=1e-5
                )
                checked += 1
    assert checked > 100


def test_tables_of_scores_and_differences_are_those_of_the_recorded_folds(finished):
    scores, differences = 0, 0
    for path in finished.glob("results/**/record.json"):
        record = json.loads(path.read_text("utf-8"))
        evaluations = record["evaluations"]
        if "scores" in record["tables"]:
            for name, main, beside, *_ in record["tables"]["scores"]["rows"]:
                summary = evaluations[name]["summary"]
                assert (main, beside) == (summary["log_loss"], summary["accuracy"])
                scores += 1
        if "differences" in record["tables"]:
            control = evaluations[record["values"]["control"]]["scores"]["log_loss"]
            for name, mean, difference, *_ in record["tables"]["differences"]["rows"]:
                found = np.array(evaluations[name]["scores"]["log_loss"])
                assert mean == pytest.approx(found.mean(), rel=1e-4)
                assert difference == pytest.approx((found - control).mean(), rel=1e-2, abs=1e-5)
                differences += 1
    assert scores > 10
    assert differences > 10
