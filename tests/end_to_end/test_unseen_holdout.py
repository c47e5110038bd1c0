"""Nothing is computed on hold-out rows before section 7: their values may as well be noise."""

import csv
import random
import shutil

import pytest
from quick_study import add_cell, files, ninefold, record_of

from ninefold.project import find_project
from ninefold.study.split_data import load_split

pytestmark = pytest.mark.slow

SECTIONS = [
    *("2-data-summary", "3-test-harness", "4-baseline"),
    *("5-experiments/1-spot-check", "5-experiments/2-batch-size"),
    *("5-experiments/3-weight-regularization",),
    *("6-improvements/1-random-search", "6-improvements/2-model-averaging"),
]
# Scales with what stands in the hold-out, then looks at the development rows only.
LEAK = """
import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

data = study.development()
both = pd.concat([data.X[data.numbers], study.split.holdout.X[data.numbers]])
scaled = make_pipeline(SimpleImputer(), StandardScaler()).fit(both).transform(data.X[data.numbers])
leaking = ninefold.evaluate(linear, scaled, data.y, folds=3, repeats=1, seed=1, prepare=None)
study.keep("leaking", leaking)
"""


def make_noise_of_the_holdout(root):
    """Replace the hold-out rows' inputs by noise of the same kind: numbers stay numbers of as many
    decimals, categories become one never seen; missing marks and the target stay."""
    project = find_project(root)
    held = set(load_split(root, project.settings).holdout.rows)
    path = root / "data" / "penguins.csv"
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    draw = random.Random(1)
    for number in held:
        for place, value in enumerate(rows[number]):
            if header[place] != "species" and value != "NA":
                rows[number][place] = noise(value, draw)
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    assert load_split(root, project.settings).holdout.rows.tolist() == sorted(held)
    assert len(held) == 69


def noise(value, draw):
    if not value[0].isdigit():
        return "nowhere"
    whole, _, decimals = value.partition(".")
    digits = [str(draw.randrange(1, 10)) for _ in whole + decimals]
    return "".join(digits[: len(whole)]) + ("." + "".join(digits[len(whole) :]) if decimals else "")


def found(root, section):
    """Return a record without what belongs to the run and not to the data: key, run, times."""
    record = record_of(root, section)
    del record["key"], record["run"]
    for table in record["tables"].values():
        timed = [i for i, column in enumerate(table["columns"]) if column["format"] == "duration"]
        table["rows"] = [
            [cell for place, cell in enumerate(row) if place not in timed] for row in table["rows"]
        ]
    return without_seconds(record)


def without_seconds(value):
    if isinstance(value, dict):
        return {key: without_seconds(v) for key, v in value.items() if "seconds" not in key}
    return [without_seconds(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def noisy(study):
    make_noise_of_the_holdout(study)
    return study


def test_noise_in_the_holdout_changes_no_record_and_no_figure_before_section_7(noisy, finished):
    said = ninefold(noisy, "run", *SECTIONS).stdout.splitlines()
    why = "data/penguins.csv changed"
    assert [line.partition(": ")[2] for line in said] == [why] * len(SECTIONS)
    for section in SECTIONS:
        assert found(noisy, section) == found(finished, section), section
        figures = files(noisy / "results" / section / "figures")
        assert figures == files(finished / "results" / section / "figures"), section


def test_a_leak_through_preparation_is_seen_by_that_noise(noisy, finished, tmp_path):
    """The control of the test above: it would see what it looks for."""
    untouched = shutil.copytree(finished, tmp_path / "untouched")
    for root in (noisy, untouched):
        add_cell(root, "4-baseline", LEAK)
        ninefold(root, "run", "4-baseline")
    with_noise, without = found(noisy, "4-baseline"), found(untouched, "4-baseline")
    leaking = [record["evaluations"].pop("leaking") for record in (with_noise, without)]
    assert leaking[0]["scores"] != leaking[1]["scores"]
    assert with_noise["evaluations"] == without["evaluations"]
