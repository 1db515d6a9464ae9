"""The head of a cluster is killed under a stage: it says so and ends, and a new cluster does the rest."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from stages.base.journal.store import Journal
from tests.base.parallel.machines import pids
from tests.conftest import ROOT

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

SAMPLES = 24
#: Notes each sample that a worker begins; journals each that comes back, and says so.
STAGE = f"""
import time
from stages.base.errors import guard
from stages.base.journal.store import Journal, compute_missing
from stages.base.parallel.pool import parallel_map

def work(number):
    with open("began.log", "a") as log:
        log.write(f"{{number}}\\n")
    time.sleep(0.3)
    return {{"doubled": 2 * number}}

def main():
    with Journal("drill") as journal:
        work_on = lambda missing: parallel_map(work, missing, 1)
        count = compute_missing(journal, range({SAMPLES}), str, work_on, lambda _: print("one", flush=True))
    print(f"computed {{count}}")

if __name__ == "__main__":
    guard(main)
"""


@contextlib.contextmanager
def machines(folder: Path) -> Iterator[Any]:
    """Start a head and another machine of one core each, and name them in compute.yaml; their processes end with it."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    (folder / "compute.yaml").write_text(yaml.safe_dump({"engine": "ray", "ray": {"address": made.address}}))
    try:
        yield made
    finally:
        for node in made.list_all_nodes():
            kill(pids(node))


def kill(processes: list[int]) -> None:
    """Kill processes and what they have started."""
    for pid in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            for one in [*process.children(recursive=True), process]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()


@pytest.mark.parametrize("kinds", [(), ("gcs_server",)], ids=["machine", "gcs"])
def test_a_killed_head_ends_the_stage_in_words_and_a_new_cluster_does_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kinds: tuple[str, ...]
) -> None:
    prepare(tmp_path, monkeypatch, STAGE)
    with machines(tmp_path) as made, started() as process:
        wait_for(process, 6)
        kill(pids(made.head_node, *kinds))
        said = process.communicate(timeout=300)[1]
    assert process.returncode == 1, said
    assert f"error: compute.yaml, key 'ray.address': the head of the Ray cluster at {made.address} is gone" in said
    assert "what to do: start the cluster again and run the same command" in said
    assert "Traceback" not in said
    with Journal("drill") as journal:
        done = journal.keys()
    assert 6 <= len(done) < SAMPLES
    began(tmp_path)

    with machines(tmp_path), started() as process:
        said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert said.splitlines()[-1] == f"computed {SAMPLES - len(done)}"
    assert sorted(began(tmp_path)) == sorted(set(map(str, range(SAMPLES))) - done)
    with Journal("drill") as journal:
        found = {number: journal.get(str(number))["doubled"] for number in range(SAMPLES)}
        assert len(journal) == SAMPLES
    assert found == {number: 2 * number for number in range(SAMPLES)}


#: Asks its workers twice, and waits for a line in between, while they stay.
ASKS = """
from stages.base.errors import guard
from stages.base.parallel.cluster import actor_map

def make():
    return lambda items: [(item, item) for item in items]

def main():
    for _ in range(2):
        list(actor_map(make, [0, 1], 1, 0))
        print("one", flush=True)
        input()

if __name__ == "__main__":
    guard(main)
"""


def test_a_head_that_is_killed_while_workers_wait_is_said_when_they_are_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tmp_path, monkeypatch, ASKS)
    with machines(tmp_path) as made, started() as process:
        wait_for(process, 1)
        head = [psutil.Process(pid) for pid in pids(made.head_node, "gcs_server")]
        kill([one.pid for one in head])
        psutil.wait_procs(head, timeout=30)
        said = process.communicate("\n", timeout=300)[1]
    assert process.returncode == 1, said
    assert f"the head of the Ray cluster at {made.address} is gone" in said
    assert "Traceback" not in said


def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let `started` find its code in a folder, with a journal of its own."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("HAR_JOURNAL", str(folder / "journal"))
    (folder / "drill.py").write_text(code)


def wait_for(process: subprocess.Popen[str], count: int) -> None:
    """Wait until a stage has said "one" so many times."""
    bound = threading.Timer(300, process.kill)  # the lines then end, and the test fails instead of waiting on
    bound.start()
    assert process.stdout is not None
    for _ in range(count):
        assert process.stdout.readline() == "one\n"
    bound.cancel()


@contextlib.contextmanager
def started() -> Iterator[subprocess.Popen[str]]:
    """Start the stage; it ends with the test."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "drill.py"], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    try:
        yield process
    finally:
        process.kill()


def began(folder: Path) -> list[str]:
    """Return the samples that workers began since the last call."""
    log = folder / "began.log"
    found = log.read_text().split()
    log.unlink()
    return found
