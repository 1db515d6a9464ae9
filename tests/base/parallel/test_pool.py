import ctypes
import os
import signal
import subprocess
import sys
import time
from itertools import count, islice

import psutil
import pytest

from stages.base.parallel.crashed import Crashed
from stages.base.parallel.pool import parallel_map

SLEEPERS = """
import time
from stages.base.parallel.pool import parallel_map
if __name__ == "__main__":
    for item, _ in parallel_map(time.sleep, [0, 0, 600, 600], 2):
        print("one", flush=True)
"""


def double(number):
    return 2 * number


def fragile(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 5:
        raise ValueError("five")
    return number


def test_every_item_comes_back_with_its_result():
    assert sorted(parallel_map(double, range(40), 2)) == [(number, 2 * number) for number in range(40)]


def test_nothing_to_do_starts_nothing():
    assert list(parallel_map(double, [], 2)) == []


def test_items_are_drawn_as_they_are_needed():
    drawn = count()
    assert len(list(islice(parallel_map(double, drawn, 1), 3))) == 3
    assert next(drawn) < 20


def test_a_process_that_dies_costs_its_item_only():
    found = dict(parallel_map(fragile, [0, 1, 2, 3, 4], 2))
    assert isinstance(found.pop(3), Crashed)
    assert found == {0: 0, 1: 1, 2: 2, 4: 4}


def test_what_the_function_raises_is_raised():
    with pytest.raises(ValueError, match="five"):
        list(parallel_map(fragile, [5], 1))


def test_processes_end_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "sleepers.py"
    script.write_text(SLEEPERS)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."})
    assert parent.stdout.readline()
    children = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.wait()
    until = time.monotonic() + 20
    while time.monotonic() < until and any(child.is_running() for child in children):
        time.sleep(0.1)
    assert children
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def stubborn(number):
    if number == 3:
        ctypes.PyDLL(None).sleep(600)  # in C, with the interpreter's lock
    return number


def test_a_process_that_hangs_costs_its_item_only():
    found = dict(parallel_map(stubborn, [0, 1, 2, 3, 4], 2, seconds=3))
    assert str(found.pop(3)) == "not done after 3 s, twice"
    assert found == {0: 0, 1: 1, 2: 2, 4: 4}
