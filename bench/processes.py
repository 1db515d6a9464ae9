"""Training throughput of one process and of two, a thread each: what a second core brings, and what joining costs.

    python -m bench.processes [--steps 20]

R(2+1)D and TimeSformer as `params.yaml` trains them at home, on noise in memory. On a GPU the processes would be one a
card; here they are of a CPU, joined by gloo on the loopback. The first two steps are not counted.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from stages.core.reproducible import hold_arithmetic

CASES = ("r2plus1d_cs", "timesformer_cs")
_JOIN = ["--rdzv_backend", "c10d", "--rdzv_endpoint", "127.0.0.1:0", "--local_addr", "127.0.0.1"]


def work(case: str, steps: int) -> None:
    """Train in this process, or its share in one of several; the first prints samples a second."""
    hold_arithmetic()
    import torch
    import yaml

    from stages.learn.device import start
    from stages.learn.source import Inputs
    from stages.learn.stepping import Stepper
    from stages.nets.models import Shape, build
    from stages.nets.trained import TrainParams

    block = TrainParams(**yaml.safe_load(Path("params.yaml").read_text())["train"]["home"][case])
    pixels, recipe = block.pixels, block.recipe.model_copy(update={"threads": 1, "epochs": steps + 2})

    class Noise:
        """A step's samples."""

        targets = torch.arange(recipe.batch) % 16

        def __len__(self) -> int:
            return recipe.batch

        def inputs(self, indices: Sequence[int], epoch: int | None, device: torch.device) -> Inputs:
            shape = (len(indices), pixels.frames, 3, *pixels.size[::-1])
            return {"pixel_values": torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(device)}

    accelerator = start(recipe)
    model = build(block.net, Shape(pixels.frames, *pixels.size), [str(number) for number in range(16)]).model
    stepper = Stepper(accelerator, model.to(accelerator.device), Noise(), recipe, "bench")
    for step in range(2):
        stepper.take(step)
    accelerator.wait_for_everyone()
    began = time.perf_counter()
    for step in range(2, steps + 2):
        stepper.take(step)
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        print(f"{recipe.batch * steps / (time.perf_counter() - began):.2f}")


def measured(case: str, steps: int, processes: int) -> float:
    """Return samples a second of so many processes."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    own = ["-m", "bench.processes", "--work", case, "--steps", str(steps)]
    launch = ["-m", "torch.distributed.run", "--nproc_per_node", str(processes), *_JOIN] if processes > 1 else []
    done = subprocess.run(
        [sys.executable, *launch, *own], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout.split()[-1])


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work, given.steps)
        return
    print("| model | one process | two processes | ratio |\n|---|---|---|---|")
    for case in CASES:
        one, two = (measured(case, given.steps, processes) for processes in (1, 2))
        print(f"| {case} | {one:.1f} clips/s | {two:.1f} clips/s | {two / one:.2f} |", flush=True)


if __name__ == "__main__":
    main()
