"""Real processes of a CPU that train together, as a user starts them: gloo on the loopback, one thread each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: What a user gives as HAR_LAUNCH for two processes on one machine without a GPU.
TWO = "torchrun --nproc_per_node 2 --rdzv_backend c10d --rdzv_endpoint 127.0.0.1:0 --local_addr 127.0.0.1"


def call(
    folder: Path, *command: str, launch: str = "", journal: str, timeout: float = 600, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `python -m command` in a folder, under a launcher if one is named; one that hangs is a failure."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HAR_JOURNAL": str(folder / journal),
           "HAR_LAUNCH": launch, "GLOO_SOCKET_IFNAME": "lo", **environment}  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=folder, env=env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)  # fmt: skip
    try:
        said, errors = process.communicate(timeout=timeout)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # the launcher's processes too
            process.wait()
    return subprocess.CompletedProcess(process.args, process.returncode, said, errors)
