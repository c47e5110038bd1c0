"""A whole study on two Dask workers, one of which is killed half-way."""

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from distributed import Client
from quick_study import PENGUINS, new_study, ninefold

LEFT_OUT = {"5-experiments/3-weight-regularization", "6-improvements/2-model-averaging"}
_MEASURED = {"fit_seconds", "predict_seconds", "seconds"}


def start(folder, *arguments):
    """Start a process of Dask's in a folder of its own; return it and the address it tells."""
    folder.mkdir()
    log = folder / "log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments, "--host", "127.0.0.1", "--no-dashboard"],
            cwd=folder, stdout=said, stderr=said,
        )  # fmt: skip
    end = time.monotonic() + 60
    while not (lines := [line for line in log.read_text().splitlines() if " at: " in line]):
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)
    return process, lines[0].split()[-1]


def records(root):
    found = {path: json.loads(path.read_text("utf-8")) for path in root.rglob("record.json")}
    return {
        path.relative_to(root).as_posix(): _lasting({**record, "run": {}})
        for path, record in found.items()
    }


def _lasting(value):
    """Return a record's part without what was measured."""
    if isinstance(value, dict) and {"columns", "rows", "caption"} <= value.keys():  # a table
        times = [
            column["format"] == "duration" or ", ms " in column["name"]
            for column in value["columns"]
        ]
        rows = [[*map(_unless, times, row)] for row in value["rows"]]
        return {**value, "rows": rows}
    if isinstance(value, dict):
        return {key: _lasting(item) for key, item in value.items() if key not in _MEASURED}
    return [_lasting(item) for item in value] if isinstance(value, list) else value


def _unless(is_measured, cell):
    return None if is_measured else cell


@pytest.mark.slow
def test_two_workers_give_the_records_of_a_local_run_though_one_is_killed(tmp_path):
    here = tmp_path / "study"
    new_study(here, PENGUINS, "--target", "species", without=LEFT_OUT)
    there = tmp_path / "elsewhere/study"
    shutil.copytree(here, there)
    with tempfile.TemporaryDirectory(prefix="dask-") as folder:
        processes = []
        try:
            scheduler, address = start(Path(folder, "scheduler"), "scheduler", "--port", "0")
            processes.append(scheduler)
            workers = {}
            for name in "ab":
                options = ("worker", address, "--nthreads", "1", "--no-nanny")
                process, at = start(Path(folder, name), *options)
                workers[at] = process
                processes.insert(0, process)
            threading.Thread(
                target=_kill_half_way, args=(address, workers, there / "results"), daemon=True
            ).start()
            said = ninefold(there, "run", "--all", "--dask", address).stdout
            (killed,) = [at for at, process in workers.items() if process.poll() is not None]
        finally:
            for process in processes:
                process.terminate()
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
    ninefold(here, "run", "--all")
    assert f"the Dask worker {killed} was lost while it ran" in said
    assert said.count("\nran ") == len(records(here)) == 7
    assert records(there) == records(here)
    assert "nothing changed" in ninefold(there, "run", "--all").stdout


def _kill_half_way(address, workers, results):
    """Kill a worker at work as soon as two sections are done."""
    while len(list(results.rglob("record.json"))) < 2:
        time.sleep(0.1)
    with Client(address, set_as_default=False) as client:
        while not (busy := _executing(client)):
            time.sleep(0.1)
    workers[busy[0]].kill()
    workers[busy[0]].wait()


def _executing(client):
    """Return the workers that execute a section, rather than getting what they lack for one."""
    tasks = client.processing()
    return [at for at, names in tasks.items() if any("-conduct-" in name for name in names)]
