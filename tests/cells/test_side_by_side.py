"""Cells next to each other in a real DVC repository of stubs that sleep and write when they began and ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.conftest import ROOT, dvc

pytestmark = pytest.mark.slow

#: Writes its output and its times; `slow` makes it sleep, `fail` makes it end in an error, until they are gone.
STUB = """
import json, os, sys, time
from pathlib import Path
name, out = os.environ["DVC_STAGE"], Path(sys.argv[1])
began = time.time()
with open("started.log", "a") as log:
    log.write(name + "\\n")
while Path("slow").exists() and name in Path("slow").read_text().split():
    time.sleep(0.05)
if Path("fail").exists() and name in Path("fail").read_text().split():
    sys.exit("error: no")
out.write_text(name + "".join(Path(path).read_text() for path in sys.argv[2:]))
with open("ran.log", "a") as log:
    where = os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("HAR_ENGINE")
    log.write(json.dumps([name, began, time.time(), *where]) + "\\n")
"""
#: Two models that follow from one source, what needs both, and what needs none of them.
GRAPH = {"source": [], "model@a": ["source"], "model@b": ["source"], "score": ["model@a", "model@b"], "alone": []}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    dvc("init", "--no-scm", "-q", cwd=tmp_path)
    (tmp_path / "stub.py").write_text(STUB)
    (tmp_path / "given").write_text("given")

    def body(name: str, needs: list[str]) -> dict[str, Any]:
        outs, deps = name.replace("@", "_"), [one.replace("@", "_") for one in needs]
        return {"cmd": f"python stub.py {outs} {' '.join(deps)}".strip(), "deps": [*deps, "given"], "outs": [outs]}

    stages: dict[str, Any] = {name: body(name, needs) for name, needs in GRAPH.items() if "@" not in name}
    model = body("model@${item}", ["source"])
    stages["model"] = {"foreach": ["a", "b"], "do": model}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    return tmp_path


def environ() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "stages.cells.side_by_side", *arguments]
    out = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=environ(), text=True, stdout=out, stderr=subprocess.STDOUT)


def side_by_side(folder: Path, *arguments: str, fails: bool = False) -> str:
    process = start(folder, *arguments)
    output = process.communicate(timeout=600)[0]
    assert (process.returncode == 1) == fails, output
    assert "Traceback" not in output
    return output


def ran(folder: Path) -> dict[str, list[Any]]:
    """Return what ran since the last call, in the order in which it ended: name -> began, ended, GPU, engine."""
    log = folder / "ran.log"
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    log.unlink(missing_ok=True)
    (folder / "started.log").unlink(missing_ok=True)
    return {name: rest for name, *rest in rows}


def until(folder: Path, names: set[str], process: subprocess.Popen[str]) -> None:
    """Wait until cells have started; a run that never starts them is ended, and so is the wait."""
    bound = threading.Timer(300, process.kill)
    bound.start()
    while not names <= set((folder / "started.log").read_text().split() if (folder / "started.log").exists() else []):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    bound.cancel()


def both_at_once(folder: Path, *arguments: str) -> tuple[str, dict[str, list[Any]]]:
    """Run with two models that wait for each other's start."""
    (folder / "slow").write_text("model@a model@b")
    process = start(folder, *arguments)
    until(folder, {"model@a", "model@b"}, process)
    (folder / "slow").unlink()
    output = process.communicate(timeout=600)[0]
    assert process.returncode == 0, output
    return output, ran(folder)


def check(done: dict[str, list[Any]]) -> None:
    assert set(done) == set(GRAPH)
    for name, needs in GRAPH.items():
        assert all(done[need][1] <= done[name][0] for need in needs)
    assert max(done["model@a"][0], done["model@b"][0]) < min(done["model@a"][1], done["model@b"][1])


def test_independent_cells_overlap_and_dvc_then_has_nothing_to_do(project: Path) -> None:
    output, done = both_at_once(project, "--jobs", "2")
    assert "5 may have to run, 2 at a time" in output
    assert "5 cells are up to date" in output
    check(done)
    assert "Data and pipelines are up to date" in dvc("repro", cwd=project)
    assert set(yaml.safe_load((project / "dvc.lock").read_text())["stages"]) == set(GRAPH)
    assert "nothing has changed" in side_by_side(project)

    # One model's output is gone: what needs it is asked too, finds the same bytes and does not run.
    (project / "model_a").unlink()
    lock = (project / "dvc.lock").read_bytes()
    assert "2 may have to run" in side_by_side(project)
    assert (project / "dvc.lock").read_bytes() == lock
    assert ran(project) == {}  # DVC's run cache has it

    (project / "given").write_text("other")
    side_by_side(project, "model@b")
    assert list(ran(project)) == ["source", "model@b"]


def test_a_failure_stops_what_needs_it_and_nothing_else(project: Path) -> None:
    (project / "fail").write_text("model@a")
    output = side_by_side(project, fails=True)
    assert "1 of 5 cells failed: model@a; 1 that need them were not run: score" in output
    assert "error: no" in (project / ".dvc/tmp/cells/model@a.log").read_text()
    assert set(ran(project)) == {"source", "model@b", "alone"}
    (project / "fail").unlink()
    assert "2 may have to run" in side_by_side(project)
    assert list(ran(project)) == ["model@a", "score"]
    assert "Data and pipelines are up to date" in dvc("repro", cwd=project)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_cells_and_the_next_run_goes_on(project: Path, how: signal.Signals) -> None:
    (project / "slow").write_text("model@a model@b")
    process = start(project)
    until(project, {"model@a", "model@b"}, process)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 4  # DVC and the stub of each model
    process.send_signal(how)
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 1
    assert "interrupted: run the same command again" in output
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert set(ran(project)) == {"source", "alone"}
    (project / "slow").unlink()
    assert "3 may have to run" in side_by_side(project)
    assert set(ran(project)) == {"model@a", "model@b", "score"}


def test_an_unknown_target_is_said(project: Path) -> None:
    output = side_by_side(project, "model@c", fails=True)
    assert "error: DVC cannot read the graph: " in output
    assert "model@c" in output


@pytest.fixture
def gpus(project: Path) -> Any:
    """Let Ray's workers of this machine hold one of what its cluster calls two GPUs."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)  # the tests' empty one would forbid Ray to count any
        head = {"num_cpus": 4, "num_gpus": 2, "include_dashboard": False}
        made = Cluster(initialize_head=True, head_node_args=head)
        compute = {"engine": "ray", "ray": {"address": made.address, "gpus": 1}}
        (project / "compute.yaml").write_text(yaml.safe_dump(compute))
        yield made
        made.shutdown()


def test_as_tasks_of_ray_each_has_a_gpu_of_its_own_and_an_interruption_ends_them(project: Path, gpus: Any) -> None:
    (project / "slow").write_text("model@a model@b")
    process = start(project, "--jobs", "8")
    until(project, {"model@a", "model@b"}, process)
    stubs = [one for one in psutil.process_iter() if "stub.py" in " ".join(given(one)) and one.cwd() == str(project)]
    assert len(stubs) >= 2
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=300)[0]
    assert "5 may have to run, 2 at a time" in output
    assert "interrupted: run the same command again" in output
    assert "Traceback" not in output
    psutil.wait_procs(stubs, timeout=20)
    assert not [one for one in stubs if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    first = ran(project)
    assert set(first) == {"source", "alone"}

    output, then = both_at_once(project, "--jobs", "8")
    assert "3 may have to run" in output
    check(first | then)
    assert {then["model@a"][2], then["model@b"][2]} == {"0", "1"}
    assert {row[3] for row in (first | then).values()} == {"local"}
    assert "Data and pipelines are up to date" in dvc("repro", cwd=project)


def given(process: psutil.Process) -> list[str]:
    """Return a process's command line; none of one that has just ended."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
