"""The same stage on several GPUs or machines: it starts itself anew under the launcher that the user names."""

from __future__ import annotations

import os
import shlex
import sys

from stages.base.params import compute


def relaunch(module: str, *arguments: str) -> None:
    """Replace this process by `<launcher> -m module arguments`, where there is a launcher and it is not under it yet.

    The launcher is `launch` of compute.yaml, or the environment's HAR_LAUNCH, which may be empty: one process. Such as
    `accelerate launch --multi_gpu --num_processes 4`, or on CPUs `torchrun --nproc_per_node 2`. What several processes
    train differs from what one trains by what sums in another order do. Of a launcher that shards, `sharded.py` says
    more. Where a process is killed, the launcher ends the others and says which; the same command goes on from the last
    checkpoint.
    """
    launcher = os.environ.pop("HAR_LAUNCH", compute().launch)
    if launcher and "LOCAL_RANK" not in os.environ:
        words = shlex.split(launcher)
        found = [os.path.join(os.path.dirname(sys.executable), words[0]), *words[1:]]
        os.execvp(found[0] if os.path.exists(found[0]) else words[0], [*words, "-m", module, *arguments])


def speaks() -> bool:
    """Return whether this process speaks for all: the first of several, or the only one."""
    return os.environ.get("RANK", "0") == "0"
