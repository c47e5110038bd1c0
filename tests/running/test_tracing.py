"""What a watched process is seen to read, each time by a process of its own, as a kernel is one."""

import json
import os
import subprocess
import sys
import textwrap

import pytest
from tiny_project import OWN_DATA, judged

from ninefold.files import Files
from ninefold.records import Record, write_record
from ninefold.running.staleness.contents import ABSENT, digest_of, digest_of_results
from ninefold.running.staleness.trace import READS, read_trace
from ninefold.settings import HarnessSettings

SETTINGS = OWN_DATA + "[harness]\nfolds = 10\n"
SECTION = "5-experiments/2-rate"
START = """
import os
from pathlib import Path
from ninefold.running.staleness.tracing import watch
watch(Path({root!r}), Path({output!r}), {section!r})
"""


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    (root / "data").mkdir(parents=True)
    (root / "ninefold.toml").write_text(SETTINGS)
    for name in ("penguins", "more", "others"):
        (root / f"data/{name}.csv").write_text("mass,species\n3750,Adelie\n3800,Gentoo\n")
    (root / "penguins").mkdir()
    for name in ("__init__", "models", "layers"):
        (root / f"penguins/{name}.py").write_text("width = 8\n")
    return root


@pytest.fixture
def trace(project, tmp_path):
    """Return a function that executes a script under watch and returns its trace."""
    output = tmp_path / "output"
    output.mkdir()

    def traced(script):
        (output / READS).unlink(missing_ok=True)
        start = START.format(root=str(project), output=str(output), section=SECTION)
        done = subprocess.run(
            [sys.executable, "-c", start + textwrap.dedent(script)],
            cwd=project, capture_output=True, encoding="utf-8", timeout=120,
            env={**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": ""},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found = read_trace(output)
        assert found, (output / READS).read_text()
        return found

    return traced


@pytest.mark.parametrize(
    "reading",
    [
        "open('data/more.csv').read()",
        "open(b'data/more.csv', 'rb').read()",
        "open(os.path.abspath('data/../data/more.csv'), 'r+').read()",
        "Path('data/more.csv').read_bytes()",
        "os.read(os.open('data/more.csv', os.O_RDONLY), 9)",
        "os.chdir('data'); open('more.csv').read()",
        "import pandas; pandas.read_csv('data/more.csv')",
        "import numpy; numpy.loadtxt('data/more.csv', dtype=str)",
        "import numpy; numpy.memmap('data/more.csv', mode='r')",
        "import numpy; numpy.fromfile('data/more.csv', dtype='u1')",
        "import threading; t = threading.Thread(target=open, args=('data/more.csv',)); "
        "t.start(); t.join()",
        "os.fork() or (open('data/more.csv').read(), os._exit(0)); os.wait()",
        "import sqlite3; sqlite3.connect('data/more.csv')",
        "import shutil; shutil.copy('data/more.csv', '/dev/null')",
        "os.system('cat data/more.csv')",
        "import subprocess; subprocess.run(['cat', 'data/more.csv'], check=True)",
        "os.fork() or os.execvp('sh', ['sh', '-c', 'cat data/more.csv']); os.wait()",
    ],
)
def test_a_file_counts_however_it_is_opened(project, trace, reading):
    assert trace(reading).files == {"data/more.csv": digest_of(Files(project), "data/more.csv")}


def test_a_module_counts_whether_its_source_or_its_bytecode_is_read(project, trace):
    of_models = {
        f"penguins/{name}.py": digest_of(Files(project), f"penguins/{name}.py")
        for name in ("__init__", "models")
    }
    for _ in ("source", "bytecode"):
        assert trace("import penguins.models").files == of_models
    assert list(project.glob("penguins/__pycache__/models.*.pyc"))


def test_a_file_counts_as_it_was_when_it_was_first_read(project, trace):
    before = digest_of(Files(project), "data/more.csv")
    script = """
    open('data/more.csv').read()
    with open('data/more.csv', 'a') as file:
        file.write('1,2')
    open('data/more.csv').read()
    """
    assert trace(script).files == {"data/more.csv": before}
    assert digest_of(Files(project), "data/more.csv") != before


def test_what_is_looked_for_in_vain_counts_but_not_what_the_notebook_then_makes(project, trace):
    script = """
    for name in ('data/gone.csv', 'data/cache.csv', 'nowhere/x.csv'):
        try:
            open(name)
        except FileNotFoundError:
            pass
    open('data/cache.csv', 'w').close()
    open('data/cache.csv').read()
    open('data/made.csv', 'x').close()
    open('data/made.csv').read()
    """
    assert trace(script).files == {"data/gone.csv": ABSENT, "nowhere/x.csv": ABSENT}


def test_the_names_in_a_folder_count_where_they_are_listed(project, trace):
    listed = {"data/": digest_of(Files(project), "data")}
    script = "sorted(Path('data').glob('*.csv')); os.listdir('data'); list(os.walk('data'))"
    assert trace(script).files == listed
    (project / "data/more.csv").write_text("other content")
    assert digest_of(Files(project), "data") == listed["data/"]
    (project / "data/new.csv").touch()
    assert digest_of(Files(project), "data") != listed["data/"]


def test_who_looks_for_modules_or_removes_a_tree_reads_nothing(project, trace):
    (project / "tree/deep").mkdir(parents=True)
    (project / "tree/deep/rows.csv").touch()
    script = "import pkgutil, shutil; shutil.rmtree('tree'); list(pkgutil.iter_modules(['data']))"
    assert trace(script).files == {}


def test_a_folder_that_a_module_lists_while_it_is_imported_counts(project, trace):
    (project / "penguins/layers.py").write_text("import os\nnames = os.listdir('data')\n")
    assert trace("import penguins.layers").files["data/"] == digest_of(Files(project), "data")


def test_what_the_author_names_counts_with_all_that_is_in_it(project, trace):
    script = """
    from ninefold.project import Project
    from ninefold.study.notebook import Study
    assert Study(Project(Path.cwd()), None).file("data") == Path.cwd() / "data"
    """
    names = ("data/", "data/penguins.csv", "data/more.csv", "data/others.csv")
    assert trace(script).files == {name: digest_of(Files(project), name) for name in names}


def test_a_project_in_a_place_that_looks_like_a_library_is_followed(tmp_path):
    root = tmp_path / "site-packages" / "project"
    root.mkdir(parents=True)
    (root / "rows.csv").touch()
    start = START.format(root=str(root), output=str(tmp_path), section=SECTION)
    script = f"import sys; sys.prefix = {str(tmp_path)!r}; open('rows.csv')"
    subprocess.run([sys.executable, "-W", "ignore", "-c", start + script], cwd=root, check=True)
    assert set(read_trace(tmp_path).files) == {"rows.csv"}


def test_what_ninefold_git_and_the_interpreter_keep_does_not_count(project, trace):
    for name in (".git/HEAD", ".ninefold/lock", "sections/2-x.ipynb", "report/README.md"):
        (project / name).parent.mkdir(parents=True)
        (project / name).touch()
    (project / "lib/site-packages").mkdir(parents=True)
    (project / "lib/site-packages/tool.py").touch()
    (project / "results").mkdir()
    (project / "results/history.jsonl").touch()
    script = """
    import sys, colorsys
    for folder, _, files in os.walk('.'):
        if folder not in ('.', './data', './penguins'):
            for file in files:
                open(os.path.join(folder, file)).read()
    sys.path.insert(0, 'lib/site-packages')
    import tool
    import shutil
    os.makedirs('.ninefold/tree/deep')
    shutil.rmtree('.ninefold/tree')
    """
    assert set(trace(script).files) <= {"./", "data/", "penguins/", "lib/"}


def test_python_and_data_beside_the_notebooks_count(project, trace):
    (project / "sections").mkdir()
    for name in ("helper.py", "rows.csv", "2-x.ipynb", "notes.md"):
        (project / "sections" / name).touch()
    script = """
    import sys
    sys.path.insert(0, 'sections')
    import helper
    for name in ('rows.csv', '2-x.ipynb', 'notes.md'):
        open('sections/' + name).read()
    """
    assert set(trace(script).files) == {"sections/helper.py", "sections/rows.csv"}


def test_results_count_for_the_section_that_made_them_by_their_key(project, trace):
    key = {"code": "abc"}
    for name in ("4-baseline", SECTION, f"{SECTION}@rate=0.1"):
        write_record(project / "results" / name, Record(section=name, key=key))
    (project / "results/4-baseline/model").mkdir()
    (project / "results/4-baseline/model/weights").touch()
    script = """
    open('results/4-baseline/model/weights').read()
    open('results/5-experiments/2-rate/record.json').read()
    open('results/5-experiments/2-rate@rate=0.1/record.json').read()
    try:
        open('results/6-improvements/1-x/record.json')
    except FileNotFoundError:
        pass
    """
    found = trace(script)
    assert found.files == {}
    assert found.sections == {
        name: digest_of_results(Files(project), name)
        for name in ("4-baseline", f"{SECTION}@rate=0.1")
    } | {
        "6-improvements/1-x": ABSENT,
    }


def test_results_that_a_run_is_making_on_a_disk_of_theirs_do_not_count(project, trace):
    for name in ("staging/x/4-baseline", "replaced/4-baseline/@old"):
        write_record(project / "results/.ninefold" / name, Record(section="4-baseline"))
    script = """
    from ninefold.project import Project
    from ninefold.study.notebook import Study
    for path in Path('results').rglob('record.json'):
        path.read_text()
        os.system(f"cat '{path}'")
    Study(Project(Path.cwd()), None).file('results')
    """
    found = trace(script)
    assert (found.files, found.sections) == ({}, {})


def test_a_forecast_does_not_read_the_results_that_it_is_kept_with(project, trace):
    (project / f"sections/{SECTION}.ipynb").parent.mkdir(parents=True)
    (project / f"sections/{SECTION}.ipynb").touch()
    point = f"{SECTION}@rate=0.1"
    with (project / "ninefold.toml").open("a") as file:
        file.write(f'[sections."{SECTION}".grid]\nrate = [0.1]\n')
    result = Record(section=point, evaluations={"usual": judged()}, forecast={"stated": "never"})
    write_record(project / "results" / point, result)
    script = f"""
    from ninefold.project import Project
    from ninefold.study.forecasts import first_result
    assert first_result(Project(Path.cwd()), {SECTION!r})
    """
    found = trace(script)
    assert (found.sections, found.settings) == ({}, {})
    read = f"""
    from ninefold.project import Project
    Project(Path.cwd()).record({point!r})
    """
    assert set(trace(read).sections) == {point}


def test_a_setting_counts_when_it_is_read_and_its_file_when_others_read_it(project, trace):
    script = """
    from ninefold.project import Project
    settings = Project(Path.cwd()).settings
    settings.harness.folds, settings.harness.repeats, settings.data
    """
    found = trace(script)
    assert found.settings == {"harness.folds": "10", "harness.repeats": "null"}
    assert found.files == {}
    assert set(trace("import tomllib; tomllib.load(open('ninefold.toml', 'rb'))").files) == {
        "ninefold.toml"
    }


@pytest.mark.parametrize(
    "reading", ["{}.model_dump()", "{} == 1 or {} == {}", "repr({})", "dict({})", "vars({})"]
)
def test_what_takes_a_whole_table_reads_all_of_it(trace, reading):
    table = "settings.harness"
    script = f"""
    from ninefold.project import Project
    settings = Project(Path.cwd()).settings
    {reading.replace("{}", table)}
    """
    names = list(HarnessSettings.model_fields)
    assert set(trace(script).settings) == {f"harness.{name}" for name in names}


def test_the_dataset_counts_even_as_parquet_and_beside_the_project(project, trace, tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_text("mass,species\n3750,Adelie\n3800,Gentoo\n")
    script = """
    from ninefold.study.reading import read_source
    import pandas
    pandas.read_csv('data/more.csv').to_parquet('data/rows.parquet')
    read_source({source!r}, Path.cwd())
    """
    assert trace(script.format(source="../outside.csv")).files == {
        "../outside.csv": digest_of(Files(project), str(outside)),
        "data/more.csv": digest_of(Files(project), "data/more.csv"),
    }
    assert trace(script.format(source=str(outside))).files == {
        str(outside): digest_of(Files(project), str(outside)),
        "data/more.csv": digest_of(Files(project), "data/more.csv"),
    }


def test_modules_beside_the_standard_library_are_noted_with_what_was_importing_them(project, trace):
    (project / "outer.py").write_text("import inner\n")
    (project / "inner.py").write_text("")
    modules = dict(trace("import outer, colorsys").modules)
    assert modules["inner"] == ("outer",)
    assert modules["outer"] == ()
    assert "colorsys" not in modules


def test_a_watcher_that_fails_breaks_nothing_and_says_that_it_lost_something(project, tmp_path):
    output = tmp_path / "output"
    output.mkdir()
    start = START.format(root=str(project), output=str(output), section=SECTION)
    script = (
        "import ninefold.running.staleness.tracing as t; t.digest_of = None; open('data/more.csv')"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", start + script], cwd=project, check=True)
    lines = [json.loads(line) for line in (output / READS).read_text().splitlines()]
    assert "lost" in lines[-1]
    assert read_trace(output) is None


def test_a_folder_that_is_gone_breaks_nothing(project, tmp_path):
    output = tmp_path / "output"
    output.mkdir()
    start = START.format(root=str(project), output=str(output), section=SECTION)
    script = f"import shutil; shutil.rmtree({str(output)!r}); print(open('data/more.csv').read())"
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", start + script], cwd=project)
    assert ran.returncode == 0
    assert read_trace(output) is None


@pytest.mark.parametrize("content", ["", "{", '{"file": "x", "digest": "y"}'])
def test_a_trace_that_does_not_tell_all_is_none(tmp_path, content):
    (tmp_path / READS).write_text(content)
    assert read_trace(tmp_path) is None
