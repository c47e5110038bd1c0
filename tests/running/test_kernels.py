"""Kernels forked from a server: fresh, like cold ones, and gone with whoever had them started."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import nbformat
import papermill
import psutil
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from tiny_project import runs

from ninefold.errors import NinefoldError
from ninefold.running.kernels import folders
from ninefold.running.kernels.imported import why_cold
from ninefold.running.kernels.manager import managing
from ninefold.running.kernels.provisioner import ColdError, fork_kernel, say_cold
from ninefold.running.kernels.warm import ADDRESS, warm_kernels

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels start cold here")
BARE = ("ipykernel.kernelapp",)
LITTLE = (*BARE, "matplotlib_inline.backend_inline", "matplotlib.pyplot")
ENV = {**os.environ, "PYTHONHASHSEED": "0"}


@pytest.fixture(scope="module")
def server():
    with warm_kernels(ENV, LITTLE) as kernels:
        yield kernels


@pytest.fixture
def run(server, tmp_path, monkeypatch):
    """Execute cells in a kernel of the server, or of another address; return each one's outputs."""

    def execute(*cells, address=server.address, env=ENV, **given):
        monkeypatch.setenv(ADDRESS, address)
        path = tmp_path / "notebook with space.ipynb"
        write(path, *cells)
        done = papermill.execute_notebook(
            path, None, engine_name="ninefold", kernel_env=dict(env), progress_bar=False, **given
        )
        return [cell.outputs for cell in done.cells]

    return execute


def write(path, *cells, kernel="python3", language="python"):
    cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    kernelspec = {"name": kernel, "display_name": kernel, "language": language}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
    nbformat.write(notebook, path)


def printed(outputs):
    """Return what the last cell printed, which is JSON."""
    return json.loads("".join(output.text for output in outputs[-1] if output.name == "stdout"))


def value(expression):
    return f"import json, os, sys; print(json.dumps({expression}))"


def soon(found, within=10):
    """Return what `found` returns, asking again for so many seconds while it is nothing."""
    end = time.monotonic() + within
    while not (result := found()) and time.monotonic() < end:
        time.sleep(0.05)
    return result


def gone(*pids):
    return soon(lambda: not any(map(runs, pids)))


@contextmanager
def running(server, code):
    """Run code in a kernel of the server until it prints JSON; yield the kernel's manager, its
    client, what it printed, and the loop that they live in."""
    with asyncio.Runner() as loop:
        manager, client, found = loop.run(_start(server, code))
        try:
            yield manager, client, found, loop
        finally:
            client.stop_channels()
            loop.run(manager.cleanup_resources())


async def _start(server, code):
    manager = managing(server.address, ENV)()
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=30)
    client.execute(code)
    while True:
        message = await client.get_iopub_msg(timeout=30)
        if message["msg_type"] == "stream":
            return manager, client, json.loads(message["content"]["text"])


LINGER = """
import json, os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(json.dumps([os.getpid(), child.pid]), flush=True)
time.sleep(60)
"""


# each notebook has a fresh process, which knows what it was given


def test_each_notebook_has_a_fresh_process_forked_from_the_server(run):
    look = value("[os.getppid(), os.getpid(), hasattr(sys, 'left')]") + "; sys.left = 1"
    (server, first, _), (same, second, left) = printed(run(look)), printed(run(look))
    assert "ninefold.running.kernels.server" in psutil.Process(server).cmdline()
    assert server == same
    assert first != second
    assert not left


def test_a_kernel_has_exactly_the_environment_and_the_folder_that_it_was_given(run, tmp_path):
    folder = tmp_path / "with space, {braces} and é"
    folder.mkdir()
    (folder / "own_module.py").write_text("here = True\n")
    env = {**ENV, "GIVEN": "x=1 {y} é", "PYTHONPATH": str(folder)}
    env.pop("HOME", None)
    seen = "[os.getcwd(), os.environ['GIVEN'], 'HOME' in os.environ, own_module.here]"
    outputs = run("import own_module", value(seen), env=env, cwd=folder)
    assert printed(outputs) == [str(folder), "x=1 {y} é", False, True]


def test_random_numbers_are_others_in_each_kernel(run):
    draw = value("[__import__('random').random(), __import__('numpy').random.rand()]")
    first, second = printed(run(draw)), printed(run(draw))
    assert not set(first) & set(second)


def test_a_kernel_keeps_to_its_share_of_the_cores_with_libraries_that_were_loaded_before(run):
    threads = value("[i['num_threads'] for i in __import__('threadpoolctl').threadpool_info()]")
    found = printed(run(threads, env={**ENV, "NINEFOLD_CORES": "3"}))
    assert found
    assert set(found) == {3}


def test_what_a_notebook_of_a_run_reads_is_noted(run, tmp_path):
    (tmp_path / "output").mkdir()
    of_a_run = {
        "NINEFOLD_PROJECT": str(tmp_path),
        "NINEFOLD_SECTION": "2-data-summary",
        "NINEFOLD_OUTPUT": str(tmp_path / "output"),
    }
    (tmp_path / "some.csv").write_text("a\n1\n")
    run("open('some.csv').read()", env={**ENV, **of_a_run}, cwd=tmp_path)
    assert "some.csv" in (tmp_path / "output" / "reads.jsonl").read_text()


def test_it_runs_this_python_whatever_kernel_the_notebook_names(server, tmp_path, monkeypatch):
    monkeypatch.setenv(ADDRESS, server.address)
    write(tmp_path / "in.ipynb", value("sys.executable"), kernel="elsewhere")
    done = papermill.execute_notebook(
        tmp_path / "in.ipynb", None, engine_name="ninefold", kernel_env=ENV, progress_bar=False
    )
    assert printed([done.cells[0].outputs]) == sys.executable


def test_a_notebook_of_another_language_is_refused(server, tmp_path, monkeypatch):
    monkeypatch.setenv(ADDRESS, server.address)
    write(tmp_path / "in.ipynb", "cat(1)", kernel="ir", language="R")
    with pytest.raises(NinefoldError, match="written in R"):
        papermill.execute_notebook(tmp_path / "in.ipynb", None, engine_name="ninefold")


# where temporary files have long names


@pytest.fixture
def deep(request, monkeypatch):
    """An environment whose temporary files lie in a folder with a name of so many bytes."""
    with tempfile.TemporaryDirectory(dir="/tmp") as base:
        folder = Path(base, "x" * (request.param - len(base) - 1))
        folder.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        yield {**ENV, "TMPDIR": str(folder)}
        assert list(folder.iterdir()) == []


TRANSPORT = """
import ipykernel.connect, json, os
with open(ipykernel.connect.get_connection_file()) as file:
    transport = json.load(file)["transport"]
print(json.dumps([transport, "cold" if os.getppid() == {here} else "warm"]))
"""


def reached(address, env):
    """Return how a kernel is reached, and whether it is a warm one."""
    (shown,) = show(address, "/", TRANSPORT.format(here=os.getpid()), env=env)
    return json.loads(json.loads(shown)["stdout"])


@pytest.mark.parametrize("deep", [100, 200], indirect=True)
def test_where_temporary_files_have_long_names_sockets_are_elsewhere(deep):
    with warm_kernels(deep, BARE) as kernels:
        assert reached(kernels.address, deep) == ["ipc", "warm"]
    assert not Path(kernels.address).parent.exists()
    assert reached("", deep) == ["ipc", "cold"]


@pytest.mark.parametrize(("deep", "temperature"), [(80, "warm"), (120, "cold")], indirect=["deep"])
def test_where_no_folder_is_short_enough_kernels_are_reached_at_ports(
    deep, temperature, tmp_path, monkeypatch
):
    monkeypatch.setattr(folders, "_SHORT", str(tmp_path / "nowhere"))
    with warm_kernels(deep, BARE) as kernels:
        assert reached(kernels.address, deep) == ["tcp", temperature]
        assert ("too long" in (kernels.why_cold or "")) == (temperature == "cold")
    assert reached("", deep) == ["tcp", "cold"]


# like a cold kernel


LIKENESS = (
    "import logging, os, signal, sys, threadpoolctl, warnings",
    "print(sys.argv[1], __name__, sys.modules['__main__'].__dict__ is globals())",
    "sys.path, sys.flags",
    "type(get_ipython()).__name__, sys.stdin.read(), os.getpgid(0) == os.getpid()",
    "[str(signal.getsignal(each)) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)]",
    "os.write(1, b'to the file descriptor'); __import__('time').sleep(1)",  # a thread forwards it
    "print('to stderr', file=sys.stderr)",
    "%%capture\n%time 1 + 1",
    "input('a question? ')",
    "logging.getLogger('mine').warning('watch out'); warnings.warn('careful')",
    "import matplotlib\nimport matplotlib.pyplot as plt\nmatplotlib.get_backend()",
    "matplotlib.rcParams['lines.linewidth']",
    "plt.plot([1, 2, 4]);",
    "figure, axes = plt.subplots(); axes.bar([1, 2], [3, 4]); plt.show()",
    "1 / 0",
)


@pytest.mark.parametrize("preloads", [LITTLE, pytest.param((), marks=pytest.mark.slow)])
def test_what_a_notebook_shows_is_what_it_shows_in_a_cold_kernel(preloads, tmp_path):
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 5\n")
    with warm_kernels(ENV, preloads) as kernels:
        warm, cold = (show(address, tmp_path, *LIKENESS) for address in (kernels.address, ""))
        assert kernels.why_cold is None
    for cell, here, there in zip(LIKENESS, warm, cold, strict=True):
        assert here == there, cell


def show(address, folder, *cells, env=ENV):
    """Return what people see of the cells' outputs, errors included."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(
        notebook,
        kernel_manager_class=managing(address, env),
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    )
    return [seen(cell.outputs) for cell in client.execute().cells]


def seen(outputs):
    found = {}
    for output in outputs:
        content = output.get("text") or output.get("evalue") or output.get("data")
        kind = output.get("name") or output.output_type
        if isinstance(content, str) and kind in found:  # a stream comes in pieces
            content = found[kind] + content
        found[kind] = content
    text = json.dumps(found, sort_keys=True)
    return re.sub(r"ipykernel_\d+|0x[0-9a-f]+|/kernel-\w+/", "", text)


# gone with whoever had it started


def test_a_closed_connection_ends_the_kernel_and_what_it_started(server):
    with running(server, LINGER) as (manager, _, pids, _):
        assert all(map(runs, pids))
        manager.provisioner.process.close()
        assert gone(*pids)


def test_what_a_notebook_leaves_running_ends_with_its_kernel(run):
    left = run(LINGER.rpartition("time.sleep")[0])
    assert gone(*printed(left))


DAEMON = """
import json, os, subprocess, sys, time
program = "import os, time; os.fork(); os.write(1, b'%d ' % os.getpid()); os.close(1); "
program += "time.sleep(60)"
start = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {program!r}], "
start += "start_new_session=True, stderr=-3)"  # and ends, so that nobody is their parent
found = subprocess.run([sys.executable, "-c", start], stdout=subprocess.PIPE, text=True).stdout
print(json.dumps([os.getpid(), *map(int, found.split())]), flush=True)
"""


def test_what_left_a_notebooks_session_ends_with_its_kernel_and_nothing_else_does(server, run):
    with running(server, LINGER) as (_, _, others, _):
        left = printed(run(DAEMON))
        assert len(left) == 3
        assert gone(*left)
        assert all(map(runs, others))


def test_what_left_a_notebooks_session_ends_with_the_server():
    with ExitStack() as stack:
        with warm_kernels(ENV, BARE) as kernels:
            _, _, left, _ = stack.enter_context(running(kernels, DAEMON + "time.sleep(60)"))
            assert all(map(runs, left))
        assert gone(*left)


def test_an_ended_server_leaves_no_kernel():
    with ExitStack() as stack:
        with warm_kernels(ENV, BARE) as kernels:
            _, _, pids, _ = stack.enter_context(running(kernels, LINGER))
        assert gone(*pids)
        assert not Path(kernels.address).parent.exists()


def test_a_server_that_is_gone_as_soon_as_it_may_is_ended_all_the_same(monkeypatch):
    with warm_kernels(ENV, BARE) as kernels:
        show(kernels.address, "/", "1")
        server = kernels._server
        stdin = server.stdin

        def close_and_wait():
            stdin.close()
            server.wait(10)

        monkeypatch.setattr(server, "stdin", SimpleNamespace(close=close_and_wait))
    assert server.returncode == 0
    assert server.stdout.closed


def test_a_killed_server_leaves_no_kernel_and_is_told():
    with warm_kernels(ENV, BARE) as kernels, running(kernels, LINGER) as (manager, _, pids, _):
        psutil.Process(pids[0]).parent().kill()
        assert gone(pids[0])
        assert manager.provisioner.process.wait(5) == -signal.SIGKILL
        assert soon(lambda: kernels.why_cold) == "their server ended with status -9"


OWNER = """
import json, os, psutil, sys
sys.path[:0] = sys.argv[1:]
from ninefold.running.kernels.warm import WarmKernels
from test_kernels import BARE, ENV, LINGER, running
kernels = WarmKernels(ENV, BARE)
with running(kernels, LINGER) as (_, _, (kernel, child), _):
    server = psutil.Process(kernel).ppid()
    print(json.dumps([kernels.address, server, kernel, child]), flush=True)
    os.kill(os.getpid(), 9)
"""


def test_an_owner_killed_without_warning_leaves_no_server_no_kernel_and_no_file():
    command = [sys.executable, "-c", OWNER, *map(str, Path(__file__).parents[:2])]
    done = subprocess.run(command, capture_output=True, text=True)
    address, *pids = json.loads(done.stdout)
    assert gone(*pids)
    assert not Path(address).parent.exists()


def test_an_interrupt_stops_a_cell_and_leaves_the_kernel(server):
    forever = "print('[]', flush=True)\nwhile True: pass"
    with running(server, forever) as (manager, client, _, loop):
        loop.run(manager.interrupt_kernel())
        reply = loop.run(client.get_shell_msg(timeout=10))
        assert reply["content"]["ename"] == "KeyboardInterrupt"
        assert loop.run(manager.is_alive())


def test_a_kernel_that_ends_by_itself_is_told(server):
    with pytest.raises(DeadKernelError):
        show(server.address, ".", "import os; os._exit(7)")


def test_a_kernel_ends_as_a_process_does(run, tmp_path):
    run(f"import atexit; atexit.register(open, {str(tmp_path / 'ended')!r}, 'w')")
    assert (tmp_path / "ended").exists()


# cold, and said


def test_where_no_server_answers_kernels_start_cold_and_it_is_said_once(run, caplog):
    say_cold.cache_clear()
    for _ in range(2):
        assert printed(run(value("os.getppid()"), address="/nowhere/kernels")) == os.getpid()
    said = [message for message in caplog.messages if "cold" in message]
    assert said == ["kernels start cold: [Errno 2] No such file or directory"]


def test_a_kernel_that_wants_what_the_imports_were_made_without_starts_cold(server):
    with pytest.raises(ColdError, match=r"KERAS_BACKEND is 'jax', .* it is not set"):
        fork_kernel(server.address, "", "/", {**ENV, "KERAS_BACKEND": "jax"})


HARM = "starts [0-9]+ thread"


@pytest.mark.parametrize(
    ("module", "why", "told"),
    [
        ("import threading; threading.Timer(60, print).start()", HARM, HARM),
        pytest.param("import tensorflow; tensorflow.ones(1)", HARM, HARM, marks=pytest.mark.slow),
        ("import os; os._exit(3)", "their server ended with status 3", "ended|reset"),
    ],
)
def test_where_forking_would_harm_or_fails_it_is_said_why(tmp_path, module, why, told):
    (tmp_path / "some_module.py").write_text(module)
    env = {**ENV, "PYTHONPATH": str(tmp_path)}
    with warm_kernels(env, ["some_module"]) as kernels:
        with pytest.raises(ColdError, match=told):
            fork_kernel(kernels.address, "", "/", env)
        assert re.search(why, soon(lambda: kernels.why_cold))


def test_what_cannot_be_imported_ahead_is_left_to_the_notebook(tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0")
    env = {**ENV, "PYTHONPATH": str(tmp_path)}
    with warm_kernels(env, [*BARE, "broken", "not_installed.at_all"]) as kernels:
        assert "division by zero" in " ".join(show(kernels.address, ".", "import broken", env=env))
        assert kernels.why_cold is None


PROCESSES = (
    "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool:"
    "\n    print(pool.map(abs, [-1, -2]))",
    "import joblib; joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(-n) for n in range(3))",
)


def test_a_notebook_that_may_set_what_imports_read_starts_cold_and_it_is_said(run, caplog):
    say_cold.cache_clear()
    assert printed(run("'MPL'  # CONFIGDIR", value("os.getppid()"))) != os.getpid()
    assert not caplog.messages
    setting = "import os; os.environ['MPLCONFIGDIR'] = '.'"
    assert printed(run(setting, value("os.getppid()"))) == os.getpid()
    said = "kernels start cold: the notebook names MPLCONFIGDIR, which the imports of a warm one"
    assert [message for message in caplog.messages if message.startswith(said)]


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("os.environ['KERAS_BACKEND'] = 'jax'", "KERAS_BACKEND"),
        ("os.environ.update(KERAS_BACKEND='jax')", "KERAS_BACKEND"),
        ("%env KERAS_HOME=here", "KERAS_HOME"),
        ("%set_env MATPLOTLIBRC=here", "MATPLOTLIBRC"),
        ("url = '#top'; os.putenv('KERAS_HOME', url)", "KERAS_HOME"),
        ('"""\nIt is\'nt #1\n"""; os.environ["KERAS_HOME"]', "KERAS_HOME"),
        ("# KERAS_BACKEND is fine", None),
        ("x = 'it is'  # not KERAS_BACKEND", None),
        ("!echo it's  # KERAS_BACKEND\n1", None),
        # this is read as Python starts: to set it in a cell changes nothing there
        ("os.environ['PYTHONHASHSEED'] = '1'", None),
        ("os.environ['PYTHONWARNINGS'] = 'ignore'", None),
        ("os.environ['LD_LIBRARY_PATH'] = ''", None),
    ],
)
def test_a_cell_names_what_imports_read_where_it_is_more_than_a_comment(code, named):
    why = why_cold(["1", code])
    assert (why is None) if named is None else (f"the notebook names {named}," in why)


def test_what_a_cold_kernel_left_in_its_session_ends_with_it_however_it_ends(tmp_path):
    leave = "import os, pathlib, subprocess; left = subprocess.Popen(['sleep', '60']).pid"
    with pytest.raises(DeadKernelError):
        show("", tmp_path, leave, "pathlib.Path('left').write_text(f'{left}'); os._exit(3)")
    assert gone(int((tmp_path / "left").read_text()))


@pytest.mark.slow
def test_a_notebook_can_have_processes_of_its_own(server):
    assert show(server.address, ".", *PROCESSES) == show("", ".", *PROCESSES)


# with TensorFlow, and from papermill's command line

TRAIN = """
import hashlib, json, numpy as np, keras
keras.utils.set_random_seed(1)
layers = [keras.Input((8,)), keras.layers.Dense(32, "relu"), keras.layers.Dropout(0.2)]
model = keras.Sequential([*layers, keras.layers.Dense(1)])
model.compile("adam", "mse")
X = np.random.rand(256, 8)
model.fit(X, X.sum(axis=1), epochs=3, verbose=0)
weights = b"".join(np.ascontiguousarray(each).tobytes() for each in model.get_weights())
print(json.dumps(hashlib.sha256(weights).hexdigest()))
"""


@pytest.mark.slow
def test_a_network_learns_the_same_bit_for_bit_as_in_a_cold_kernel(run):
    with warm_kernels({**ENV, "TF_CPP_MIN_LOG_LEVEL": "3"}) as kernels:
        for cores in ("1", "2"):
            env = {**ENV, "NINEFOLD_CORES": cores}
            warm = printed(run(TRAIN, address=kernels.address, env=env))
            assert kernels.why_cold is None
            assert warm == printed(run(TRAIN, address="/nowhere/kernels", env=env))


@pytest.mark.slow
def test_papermill_takes_the_engine_by_name_on_its_command_line_outside_of_any_project(tmp_path):
    write(
        tmp_path / "in.ipynb",
        "import tensorflow",
        value("open(f'/proc/{os.getppid()}/cmdline').read()"),
    )
    command = [
        sys.executable,
        "-m",
        "papermill",
        "--engine",
        "ninefold",
        "in.ipynb",
        "my out.ipynb",
    ]
    env = {name: value for name, value in os.environ.items() if name != ADDRESS}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    cells = nbformat.read(tmp_path / "my out.ipynb", 4).cells
    assert "ninefold.running.kernels.server" in printed([cells[-1].outputs])
