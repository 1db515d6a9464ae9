"""Samples over a Ray cluster of two machines on the loopback interface, each a raylet of one core."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from stages.base import params
from stages.base.errors import InputError
from stages.base.parallel import cluster
from stages.base.parallel.cluster import actor_map
from stages.base.parallel.crashed import Crashed
from stages.base.parallel.pool import parallel_map
from tests.base.parallel.machines import pids
from tests.conftest import ROOT

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def machines() -> Iterator[Any]:
    """Start two machines, which end with the tests."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{ROOT}")
        patch.setenv("RAY_DEDUP_LOGS", "0")
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        made.add_node(num_cpus=1)
        yield made
        ray.shutdown()
        made.shutdown()


@pytest.fixture
def joined(machines: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Work in a new folder whose compute.yaml names the cluster."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}")
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "journal"))
    say(machines.address)
    yield machines
    ray.shutdown()
    params.forget()


def say(address: str | None, **changes: Any) -> None:
    Path("compute.yaml").write_text(yaml.safe_dump({"engine": "ray", "ray": {"address": address, **changes}}))
    params.forget()


def double(number: int) -> tuple[int, str, str]:
    return 2 * number, ray.get_runtime_context().get_node_id(), os.getcwd()


def variable(name: str) -> str | None:
    return os.environ.get(name)


def fragile(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 4:
        ctypes.PyDLL(None).sleep(600)  # in C, with the interpreter's lock
    if number == 5:
        raise ValueError("five")
    return number


def test_every_item_comes_back_from_both_machines_in_the_folder_of_the_stage(joined: Any, tmp_path: Path) -> None:
    found = dict(parallel_map(partial(slowly, 0.1), range(40), 1))
    assert {item: result[0] for item, result in found.items()} == {number: 2 * number for number in range(40)}
    assert len({node for _, node, _ in found.values()}) == 2
    assert {folder for _, _, folder in found.values()} == {str(tmp_path)}
    assert list(parallel_map(double, [], 1)) == []
    assert not list((tmp_path / "journal").iterdir())  # the marker is gone


def test_a_worker_computes_as_the_stage_does_whatever_its_machine_was_started_with(
    joined: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {"MKL_CBWR": "AVX2,STRICT", "NPY_DISABLE_CPU_FEATURES": "X86_V4", "OPENBLAS_CORETYPE": "Nehalem"}
    for name, value in held.items():
        monkeypatch.setenv(name, value)
    assert dict(parallel_map(variable, held, 1)) == held


def slowly(seconds: float, number: int) -> tuple[int, str, str]:
    time.sleep(seconds)
    return double(number)


def test_a_sample_that_ends_its_worker_or_hangs_is_a_result_and_takes_nobody_with_it(joined: Any) -> None:
    found = dict(parallel_map(fragile, [0, 1, 2, 3, 4, 6, 7], 2, seconds=3))
    assert str(found.pop(3)) == "the process that worked on it died, or it took longer than 3 s, 2 times"
    assert isinstance(found.pop(4), Crashed)
    assert found == {number: number for number in (0, 1, 2, 6, 7)}


def fatal(log: Path, bad: set[int], number: int) -> int:
    with log.open("a") as lines:
        lines.write(f"{number}\n")
    if number in bad:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def test_a_worker_that_dies_among_several_samples_costs_one_and_repeats_few(
    joined: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_TOGETHER", 1000)  # here, not in workers: samples go together on a slow machine too
    log, count = tmp_path / "began.log", 200
    bad = {120, 125}  # of two so close to each other one at least is not the first that its worker got
    found = list(parallel_map(partial(fatal, log, bad), range(count), 1))
    assert sorted(item for item, _ in found) == list(range(count))
    assert {item for item, result in found if isinstance(result, Crashed)} == bad
    assert {item: result for item, result in found if item not in bad} == {
        item: 2 * item for item in range(count) if item not in bad
    }
    began = Counter(map(int, log.read_text().split()))
    assert max(began[item] for item in bad) == 3  # once among others, then twice alone
    assert min(began[item] for item in bad) >= 2
    repeated = [item for item in began if began[item] > 1 and item not in bad]
    assert all(began[item] == 2 for item in repeated)
    assert 0 < len(repeated) < len(bad) * cluster._MOST  # some: samples do go together


def quick_then_slow(log: Path, number: int) -> str:
    with log.open("a") as lines:
        lines.write(f"{number}\n")
    time.sleep(0 if number < 40 else 2 * cluster._TOGETHER)
    return str(ray.get_runtime_context().get_task_id())


def test_what_is_behind_a_sample_that_takes_long_is_handed_out_again(joined: Any, tmp_path: Path) -> None:
    log = tmp_path / "began.log"
    tasks = dict(parallel_map(partial(quick_then_slow, log), range(54), 1))
    assert sorted(tasks) == sorted(map(int, log.read_text().split())) == list(range(54))
    assert len({tasks[number] for number in range(40)}) < 40  # quick ones go together
    assert len({tasks[number] for number in range(40, 54)}) == 14


def test_what_the_function_raises_is_raised(joined: Any) -> None:
    with pytest.raises(ValueError, match="five"):
        list(parallel_map(fragile, [5], 1))


class Keeper:
    """Counts what it is given, as something that is loaded once would."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, items: list[int]) -> Iterator[tuple[int, tuple[int, int]]]:
        self.calls += 1
        for item in reversed(items):
            if item == 13:
                os._exit(1)
            yield item, (2 * item, os.getpid())


def test_a_worker_keeps_what_it_made_and_one_that_dies_costs_its_sample_only(joined: Any) -> None:
    found = dict(actor_map(Keeper, list(range(40)), 4, 0))
    assert isinstance(found.pop(13), Crashed)
    assert {item: result[0] for item, result in found.items()} == {item: 2 * item for item in range(40) if item != 13}
    assert 2 <= len({process for _, process in found.values()}) <= 6  # two, and one for each that died


def processes() -> set[int]:
    """Return the processes that answered."""
    answered = dict(actor_map(Keeper, list(range(12)), 2, 0)).values()
    return {result[1] for result in answered if not isinstance(result, Crashed)}


def test_workers_stay_for_the_next_call_and_make_room_for_samples(joined: Any) -> None:
    first = processes()
    made = processes() | processes()
    assert len(first | made) <= 2
    assert {item: result[0] for item, result in parallel_map(double, range(4), 1)} == {0: 0, 1: 2, 2: 4, 3: 6}
    assert soon(lambda: not any(map(psutil.pid_exists, made)), 20)
    assert not processes() & made


STAYS = """
import os, time
from stages.base.parallel.cluster import actor_map
def make():
    return lambda items: [(item, os.getpid()) for item in items]
if __name__ == "__main__":
    print(*{process for _, process in actor_map(make, [0, 1], 1, 0)}, flush=True)
    time.sleep(600)
"""


def test_workers_that_wait_end_with_a_stage_that_is_killed(joined: Any, tmp_path: Path) -> None:
    (tmp_path / "stays.py").write_text(STAYS)
    with subprocess.Popen([sys.executable, "stays.py"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        bound = threading.Timer(90, parent.kill)  # the line then ends, and the test fails instead of waiting on
        bound.start()
        assert parent.stdout is not None
        made = [int(process) for process in parent.stdout.readline().split()]
        bound.cancel()
        assert made
        assert all(map(psutil.pid_exists, made))
        parent.kill()
    assert soon(lambda: not any(map(psutil.pid_exists, made)), 20)


def test_a_machine_that_is_killed_costs_what_it_worked_on(joined: Any) -> None:
    third = joined.add_node(num_cpus=1)
    done, killed = {}, False
    for item, result in parallel_map(partial(slowly, 0.3), range(30), 1):
        assert item not in done
        done[item] = result
        if len(done) == 6 and not killed:
            killed = True
            for process in pids(third):
                psutil.Process(process).kill()
    assert killed
    assert {item: result[0] for item, result in done.items()} == {number: 2 * number for number in range(30)}
    joined.remove_node(third, allow_graceful=False)


@pytest.mark.parametrize(
    ("address", "changes", "says"),
    [
        ("127.0.0.1:1", {}, "no Ray cluster there"),
        (None, {"cpus": 64}, "a worker takes 64 cores and 0 GPUs, and the whole cluster has"),
        (None, {"gpus": 1}, "takes 1 cores and 1 GPUs"),
    ],
)
def test_what_no_cluster_gives_is_said(joined: Any, address: str | None, changes: dict[str, Any], says: str) -> None:
    say(address or joined.address, **changes)
    with pytest.raises(InputError, match=says):
        cluster.join(changes.get("gpus", 0))


REAL = cluster._look


def nowhere(_: str, marker: str, code: str) -> str | None:
    return REAL("/nowhere", marker, code)


def another_journal(folder: str, marker: str, code: str) -> str | None:
    return REAL(folder, f"{marker}-of-another", code)


def other_code(folder: str, marker: str, _: str) -> str | None:
    return REAL(folder, marker, "/elsewhere")


@pytest.mark.parametrize(
    ("look", "says"),
    [
        (nowhere, "has no folder /nowhere"),
        (another_journal, "sees another journal than this one, or none"),
        (other_code, f"runs the code of {ROOT}, not of /elsewhere"),
    ],
)
def test_a_machine_that_cannot_do_the_work_is_refused(
    joined: Any, monkeypatch: pytest.MonkeyPatch, look: Any, says: str
) -> None:
    monkeypatch.setattr(cluster, "_look", look)
    with pytest.raises(InputError, match=r"machine [\d.]+: ") as told:
        cluster.join()
    assert says in str(told.value)


WORKS = """
import time
from stages.base.parallel.pool import parallel_map
if __name__ == "__main__":
    for item, _ in parallel_map(time.sleep, [0, 0, 600, 600], 2):
        print("one", flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_a_stage_that_is_ended(joined: Any, tmp_path: Path, how: signal.Signals) -> None:
    (tmp_path / "works.py").write_text(WORKS)
    parent = subprocess.Popen([sys.executable, "works.py"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert parent.stdout is not None
    bound = threading.Timer(90, parent.kill)  # the lines then end, and the test fails instead of waiting on
    bound.start()
    assert parent.stdout.readline()
    assert parent.stdout.readline()
    assert soon(lambda: working(joined) > 0, 60)  # the two that sleep may be on their way to a worker
    bound.cancel()
    parent.send_signal(how)
    parent.wait(30)
    assert soon(lambda: working(joined) == 0, 20)


def soon(true: Callable[[], bool], seconds: float) -> bool:
    """Return whether something came true within some seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.2)
    return true()


def working(machines: Any) -> int:
    """Return how many workers of this cluster, and of no other on this computer, work on a sample."""
    count = 0
    for node in machines.list_all_nodes():
        for pid in pids(node):
            with contextlib.suppress(psutil.NoSuchProcess):
                for process in psutil.Process(pid).children(recursive=True):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        count += " ".join(process.cmdline()).startswith("ray::_work")
    return count


def test_without_an_address_a_cluster_that_runs_here_is_left_alone(joined: Any) -> None:
    say(None)
    assert cluster.join() >= 1
    assert ray.get_runtime_context().gcs_address != joined.address
