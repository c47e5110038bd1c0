"""What a process may use is what its container has, not the whole machine."""

import psutil

from ninefold.running.workers.machine import cores, memory


def test_a_cgroup_limits_cores_and_memory(tmp_path):
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text("1073741824\n")
    assert cores(tmp_path) == 1
    assert memory(tmp_path) == 2**30


def test_without_limits_it_is_the_machine_s(tmp_path):
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert cores(tmp_path) == cores(tmp_path / "no cgroup") >= 1
    assert memory(tmp_path) == psutil.virtual_memory().total
