"""new, run, report, check on real datasets: each ends in nine sections of real numbers."""

import io
import json
import re
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from quick_study import NINE, PENGUINS, files, findings, new_study, ninefold, record_of, report_of

pytestmark = pytest.mark.slow

NOISE = re.compile(r"Traceback|oneDNN|cuda|retracing|WARNING:|warnings\.warn", re.IGNORECASE)


@pytest.fixture
def finish(tmp_path):
    """Return a function that makes a study of a dataset and takes it to its report."""

    def made(data, *arguments, without=()):
        root = tmp_path / "study"
        said = new_study(root, data, *arguments, without=without)
        ninefold(root, "run", "--all")
        ninefold(root, "report")
        return root, said

    return made


def assert_whole(root, *warnings):
    """The report is whole and what `check` finds is that the prose is still to be written, and
    what is in `warnings`."""
    report = report_of(root)
    headings = re.findall(r"^## (\d)\. (.+)$", report, flags=re.MULTILINE)
    assert headings == [(str(number), title) for number, title in enumerate(NINE, 1)]
    assert "not run yet" not in report
    values = record_of(root, "7-final-model")["values"]
    expected, score = values["range"], values["holdout"]["score"]
    inside = expected["low"] <= score <= expected["high"]
    assert values["inside"] == inside
    where = "the score is inside" if inside else "the score is OUTSIDE"
    for page in (report, (root / "README.md").read_text("utf-8")):
        assert re.search(rf"as predicted by cross-validation \|.* to .*, {where} \|", page)
    said = re.search(r"Hold-out .*: .* the range that cross-validation predicted\.", report)
    assert said is not None
    assert (" inside the range" if inside else " outside the range") in said[0]
    assert set(findings(root)) == {"NF201", *warnings}
    assert not NOISE.search(report)
    for path in root.glob("results/**/notebook.ipynb"):
        assert not NOISE.search("\n".join(printed(path))), path
    assert_names_no_path_of_this_machine(root)


def printed(notebook):
    """Yield the texts of all outputs of an executed notebook; pictures are base64."""
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            yield "".join(output.get("text", []))
            for kind, content in output.get("data", {}).items():
                if not kind.startswith("image/png"):
                    yield str(content)


def assert_names_no_path_of_this_machine(root):
    paths = {str(root), str(Path.home()), tempfile.gettempdir(), str(Path(__file__).parents[2])}
    for name, content in (files(root / "results") | files(root / "report")).items():
        texts = [content]
        if zipfile.is_zipfile(io.BytesIO(content)):  # the saved networks and preparation
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                texts = [archive.read(member) for member in archive.namelist()]
        for path in paths:
            assert not any(path.encode() in text for text in texts), (path, name)


def test_penguins_by_species_with_columns_of_both_kinds_and_missing_values(finished):
    assert_whole(finished, "NF211")
    values = record_of(finished, "2-data-summary")["values"]
    assert (values["problem"], values["numbers"], values["categories"]) == ("multiclass", 5, 2)
    assert "a test" in report_of(finished).partition("**Contents**")[0]


def test_penguins_by_body_mass_without_the_two_rows_that_lack_it(finish):
    root, said = finish(PENGUINS, "--target", "body_mass_g")
    left_out = "2 of 344 rows have no target ('body_mass_g'): left out."
    assert left_out in said
    assert_whole(root, "NF211")
    summary = record_of(root, "2-data-summary")["values"]
    assert summary["problem"] == "regression"
    assert left_out in report_of(root)
    assert summary["rows"] + record_of(root, "7-final-model")["values"]["holdout"]["n"] == 342
    predicted = pd.read_csv(io.StringIO(ninefold(root, "predict", PENGUINS).stdout))
    assert predicted.shape == (344, 1)
    assert predicted["body_mass_g"].between(0, 10000).all()


def test_breast_cancer_in_two_classes(finish):
    root, _ = finish("builtin:breast_cancer")
    assert_whole(root)
    assert record_of(root, "2-data-summary")["values"]["problem"] == "binary"


def test_diabetes_as_a_regression(finish):
    root, _ = finish("builtin:diabetes")
    assert_whole(root)
    assert record_of(root, "2-data-summary")["values"]["problem"] == "regression"


def test_digits_in_ten_classes(finish):
    root, _ = finish("builtin:digits")
    assert_whole(root)
    confusion = record_of(root, "7-final-model")["figures"]["confusion"]["data"]
    assert np.shape(confusion["counts"]) == (10, 10)


WILD = 'the |"kind"| {x} <b>'


def wild_table():
    """A table with all that trips: names, gaps, repeats, columns that are no inputs."""
    draw = np.random.default_rng(1)
    group = np.repeat([0, 1, 2], [60, 40, 20])
    kind, shift, n = np.array(["a|b", "{{ c }}", "🐧 *d*"])[group], 1.5 * group, len(group)
    table = pd.DataFrame(
        {
            WILD: kind,
            "weight {kg}": draw.normal(70, 5, n).round(1) + shift,
            "🐧 $size$": (draw.normal(size=n) + shift).round(3),
            "one`|`tick": draw.normal(size=n).round(2),
            'a "quoted" <name>': draw.choice(["left", "right", "*both*"], n),
            "code": draw.integers(1, 4, n),
            "always": "same",
            "never": None,
            "row id": [f"R{number:04d}" for number in range(n)],
            "day": pd.date_range("2024-01-01", periods=n).strftime("%Y-%m-%d"),
            "remark": [f"seen {x:.3f} near the pond, and {y:.3f}" for x, y in draw.random((n, 2))],
            "tells": kind,
        }
    )
    table.loc[::9, "weight {kg}"] = None
    table.loc[::7, 'a "quoted" <name>'] = None
    return pd.concat([table, table.head(5).assign(**{"row id": "R0000"})])


def test_a_table_with_all_that_trips_becomes_a_report_that_says_so(finish, tmp_path):
    path = tmp_path / "wild {a} 'b'.csv"
    path.write_bytes(wild_table().to_csv(index=False, sep=";", decimal=",").encode("utf-8-sig"))
    skipped = ("5-experiments/3-weight-regularization", "6-improvements/1-random-search")
    root, _ = finish(path, "--target", WILD, "categorical=code", without=skipped)
    assert_whole(root, "NF211")
    columns = record_of(root, "2-data-summary")["tables"]["columns"]["rows"]
    roles = {row[0]: row for row in columns}
    for name in ("always", "never", "row id", "day", "remark"):
        assert "left out" in roles[name], roles[name]
    assert "category" in roles["code"]
    for said in ("the inputs of an earlier one", "decimal comma", "tells alone predicts"):
        assert said in report_of(root)
