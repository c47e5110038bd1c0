"""No code reads, writes or removes a project's files but through `ninefold.files`."""

import ast
from pathlib import Path

import ninefold

ROOT = Path(ninefold.__file__).parent

OF_PATHS = {
    *("read_text", "read_bytes", "write_text", "write_bytes", "open", "unlink", "rmdir", "touch"),
    *(
        "mkdir",
        "rename",
        "replace",
        "symlink_to",
        "hardlink_to",
        "chmod",
        "iterdir",
        "glob",
        "rglob",
    ),
}
OF_MODULES = {
    "os": {
        "open",
        "remove",
        "unlink",
        "rename",
        "replace",
        "rmdir",
        "makedirs",
        "mkdir",
        "truncate",
    }
    | {"listdir", "scandir", "walk", "link", "symlink", "chmod"},
    "shutil": {"rmtree", "copyfile", "copy", "copy2", "copytree", "move", "copyfileobj"},
    "tempfile": {"mkstemp", "mkdtemp", "TemporaryDirectory", "TemporaryFile", "NamedTemporaryFile"},
    "json": {"load", "dump"},
    "tomllib": {"load"},
    "pandas": {"read_csv", "read_parquet"},
    "pd": {"read_csv", "read_parquet"},
}

# What goes another way, and to what: never to a file that a project names.
ELSEWHERE = {
    "bounded.py": "the way itself",
    "files.py": "the way itself",
    "places.py": "the way itself",
    "cli/shell.py": "/dev/null",
    "git.py": "a file without a name, of what git is asked",
    "quiet.py": "/dev/null",
    "running/kernels/folders.py": "the run's folder among the system's temporary files",
    "running/kernels/forked.py": "/dev/null",
    "running/kernels/provisioner.py": "the run's folder",
    "running/kernels/server.py": "the run's folder",
    "running/kernels/warm.py": "the run's folder",
    "running/workers/kernel.py": "the run's folder",
    "running/workers/machine.py": "the system's own files",
    "running/workers/pool.py": "the run's folder",
    "running/cluster/crew.py": "no file: a cluster is opened",
    "running/cluster/snapshot.py": "a folder of a Dask worker's, made for the run",
    "running/cluster/workplace.py": "a folder of a Dask worker's, made for the run",
    "running/results.py": "a folder that it has just made, empty and under a name of its own",
    "running/staleness/tracing.py": "the trace in the folder that its run has just made",
    "scaffold/answers.py": "ninefold's own template",
    "scaffold/dataset.py": "a project that is being made",
    "scaffold/project.py": "a project that is being made",
    "scaffold/source.py": "ninefold's own files, and a project that is being made",
    "study/final.py": "bytes in memory, and a folder that its run has just made",
    "study/notebook.py": "names that the user's own code asks for",
    "study/shows/final.py": "the model that has just been saved",
}


def file_calls(source: str) -> set[str]:
    """Return what of a module's calls may touch a file."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id="open"):
                found.add("open")
            case ast.Attribute(value=ast.Name(id=module), attr=name) if module in OF_MODULES:
                found |= {f"{module}.{name}"} if name in OF_MODULES[module] else set()
            case ast.Attribute(attr="replace") if len(node.args) + len(node.keywords) != 1:
                pass  # a text's
            case ast.Attribute(attr=name) if name in OF_PATHS:
                found.add(name)
    return found


def test_a_call_that_may_touch_a_file_is_seen():
    seen = file_calls("path.read_text(); open(x); os.remove(x); a.replace('b', 'c'); p.replace(q)")
    assert seen == {"read_text", "open", "os.remove", "replace"}


def test_no_module_goes_round_the_one_way_but_those_that_touch_no_project():
    touching = {
        path.relative_to(ROOT).as_posix(): calls
        for path in sorted(ROOT.rglob("*.py"))
        if (calls := file_calls(path.read_text("utf-8")))
    }
    round_it = {name: calls for name, calls in touching.items() if name not in ELSEWHERE}
    assert round_it == {}
    assert ELSEWHERE.keys() <= touching.keys()  # no exception that nobody needs
