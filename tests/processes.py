"""Real processes of a CPU that train together, as a user starts them: gloo on the loopback, one thread each."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: What a user gives as HAR_LAUNCH for two processes on one machine without a GPU.
TWO = "torchrun --nproc_per_node 2 --rdzv_backend c10d --rdzv_endpoint 127.0.0.1:0 --local_addr 127.0.0.1"

#: The same, with weights, gradients and moments sharded.
SHARDED = (
    "accelerate launch --use_fsdp --fsdp_version 2 --num_processes 2 --num_machines 1 --mixed_precision no "
    "--dynamo_backend no --main_process_port 0"
)
#: What that launcher tells its processes by, for another one.
TO_SHARD = {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}


def call(
    folder: Path, *command: str, launch: str = "", journal: str, timeout: float = 600, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `python -m command` in a folder, under a launcher if one is named; one that hangs is a failure."""
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "HAR_JOURNAL": str(folder / journal),
        "HAR_LAUNCH": launch,
        "GLOO_SOCKET_IFNAME": "lo",
        **environment,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, errors = process.communicate(timeout=timeout)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # the launcher's processes too
            process.wait()
    return subprocess.CompletedProcess(process.args, process.returncode, said, errors)


def joined(folder: Path, processes: int, *command: str, **environment: str) -> list[int]:
    """Run `python command` as processes that find each other, without a launcher; return how each of them ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for rank in range(processes):
        own = {
            "RANK": rank,
            "LOCAL_RANK": rank,
            "WORLD_SIZE": processes,
            "LOCAL_WORLD_SIZE": processes,
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": port,
            "GLOO_SOCKET_IFNAME": "lo",
        }
        env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HAR_JOURNAL": str(folder / "journal")}
        env |= {name: str(value) for name, value in own.items()} if processes > 1 else {}
        started.append(subprocess.Popen([sys.executable, *command], cwd=ROOT, env=env | environment))
    try:
        for process in started:
            process.wait(600)
    finally:
        for process in started:
            process.kill()
    return [process.returncode for process in started]


#: A stage of which one rank dies by SIGKILL at its third step; each rank says where it is, so that one can look.
_KILLING = """
import os, pathlib, signal, time
from stages.exact.reproducible import hold_arithmetic
hold_arithmetic()
import stages.{room}.__main__ as stage
from stages.learn import stepping
stage.hold_arithmetic = lambda: None
take = stepping.Stepper.take
def taking(self, step):
    rank = os.environ["RANK"]
    pathlib.Path("rank" + rank).write_text(str(os.getpid()))
    if step == 2 and rank == os.environ["KILLED"]:
        pathlib.Path("killed").write_text(str(time.time()))
        os.kill(os.getpid(), signal.SIGKILL)
    return take(self, step)
stepping.Stepper.take = taking
if __name__ == "__main__":  # processes that decode import this file again
    stage.main()
"""
#: Seconds from a rank's death to the end of the run: longer is a hang, which ends when a collective times out.
SOON = 60


def with_one_killed(folder: Path, room: str, *arguments: str, rank: str, **environment: str) -> None:
    """Run a stage as two processes of which one is killed; the run must end soon, in an error, with nobody left."""
    (folder / "killing.py").write_text(_KILLING.format(room=room))
    launched = f"torch.distributed.run {TWO.partition(' ')[2]} killing.py".split()
    done = call(folder, *launched, *arguments, journal="killed_journal", timeout=300, KILLED=rank, **environment)
    seconds = time.time() - float((folder / "killed").read_text())
    assert done.returncode != 0
    assert f"rank      : {rank}" in done.stderr, done.stderr
    assert "SIGKILL" in done.stderr
    assert seconds < SOON, f"the run ended {seconds:.0f} s after the death of a rank"
    for each in ("rank0", "rank1"):
        with pytest.raises(ProcessLookupError):
            os.kill(int((folder / each).read_text()), 0)
