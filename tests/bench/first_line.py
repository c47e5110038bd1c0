"""How soon a notebook that imports TensorFlow reaches its first line of work.

From the call of `papermill.execute_notebook` to the line after the import, in a process that has
imported papermill: under plain papermill, and under ninefold's engine, the first notebook, which
starts the server of kernels, and later ones.

`python first_line.py ENGINE COUNT` prints the seconds of so many notebooks in a row, as JSON.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CODE = "import tensorflow\nimport time\nprint(time.time())"
FACTOR = 10  # so many times sooner is asked for
Row = dict[str, Any]


def measure(quick: bool = False) -> tuple[list[Row], list[Row]]:
    """Return a row for each way, the median of a few notebooks, and what is asked of later ones.

    quick  too few to mean anything, to see that it runs
    """
    plain, later = (1, 2) if quick else (3, 5)
    under_papermill = _measure("nbclient", plain)
    first, *others = _measure("ninefold", later + 1)
    ways = {"papermill": under_papermill, "ninefold, first": [first], "ninefold, later": others}
    base = statistics.median(under_papermill)
    rows = [
        {
            "group": "first line after importing TensorFlow",
            "label": way,
            "seconds": statistics.median(samples),
            "samples": samples,
            "ratio": base / statistics.median(samples),
        }
        for way, samples in ways.items()
    ]
    return rows, [target(rows[-1]["ratio"])]


def target(ratio: float) -> Row:
    """Return what is asked of later notebooks, so many times sooner, and whether it is met."""
    claim = f"first line of a TensorFlow notebook: at least {FACTOR} times sooner than papermill"
    return {"claim": claim, "measured": ratio, "met": ratio >= FACTOR}


def _measure(engine: str, count: int) -> list[float]:
    command = [sys.executable, __file__, engine, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def first_lines(engine: str, count: int) -> list[float]:
    """Execute notebooks, one after another; return each one's seconds to its first line."""
    import nbformat
    import papermill

    cells = [nbformat.v4.new_code_cell(CODE)]
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
    seconds = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "notebook.ipynb"
        nbformat.write(notebook, path)
        for _ in range(count):
            start = time.time()
            done = papermill.execute_notebook(path, None, engine_name=engine, progress_bar=False)
            printed = (each.text for each in done.cells[0].outputs if each.name == "stdout")
            seconds.append(float("".join(printed)) - start)
    return seconds


if __name__ == "__main__":
    print(json.dumps(first_lines(sys.argv[1], int(sys.argv[2]))))
