"""A grid run for real: each point with its values, kept by itself, and a forecast once."""

import json
import subprocess
import sys

import pytest
from tiny_project import write_notebook

pytestmark = pytest.mark.slow

SECTION = "5-experiments/2-batch-size"
SETTINGS = f"""
[study]
title = "Iris"
package = "iris"
[data]
source = "builtin:iris"
target = "species"
[sections."{SECTION}".parameters]
text = "'\\"\\\\ \\n {{x}} 🐧"
[sections."{SECTION}".grid]
size = [8, 16]
shape = [[32, 16], []]
"""
DECLARES = "size = 4\nshape: list[int] = [1]\ntext = ''"
RECORDS = """
import json, os, pathlib
folder = pathlib.Path(os.environ["NINEFOLD_OUTPUT"])
values = {"size": size, "shape": shape, "text": text}
record = {"record_schema": 1, "section": os.environ["NINEFOLD_SECTION"], "values": values}
folder.joinpath("record.json").write_text(json.dumps(record))
assert size != 16 or shape, "no shape for 16"
"""
POINTS = [f"{SECTION}@shape={shape},size={size}" for size in (8, 16) for shape in ("[32,16]", "[]")]


@pytest.fixture
def root(tmp_path):
    write_notebook(tmp_path, SECTION, RECORDS, parameters=DECLARES)
    (tmp_path / "ninefold.toml").write_text(SETTINGS, "utf-8")
    return tmp_path


def ninefold(root, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "ninefold", *arguments],
        **{"cwd": root, "capture_output": True, "encoding": "utf-8", "timeout": 300},
    )
    assert "Traceback" not in done.stderr
    return done


def test_each_point_runs_with_its_values_and_is_kept_by_itself(root):
    done = ninefold(root, "run", "-j", "2", "--json")
    assert done.returncode == 1
    states = {row["section"]: row["state"] for row in json.loads(done.stdout)["sections"]}
    assert states == dict.fromkeys([SECTION, *POINTS[:3]], "ran") | {POINTS[3]: "failed"}
    found = {}
    for name in (SECTION, *POINTS[:3]):
        record = json.loads((root / "results" / name / "record.json").read_text("utf-8"))
        found[name] = record["values"]
    assert [(found[name]["size"], found[name]["shape"]) for name in found] == [
        *((4, [1]), (8, [32, 16]), (8, []), (16, [32, 16])),
    ]
    assert {values["text"] for values in found.values()} == {"'\"\\ \n {x} 🐧"}

    again = ninefold(root, "run", "2-batch-size@shape=[],size=8")
    assert again.stdout == f"kept {POINTS[1]}: nothing changed\n"
    settings = root / "ninefold.toml"
    settings.write_text(settings.read_text("utf-8").replace("[8, 16]", "[8]"), "utf-8")
    done = ninefold(root, "run")
    assert done.stdout.count("kept ") == 3
    assert "2 folders of results of sections or points of grids that are gone" in done.stdout
    assert POINTS[3] in ninefold(root, "status").stdout
    assert (root / "results" / POINTS[2] / "record.json").is_file()
