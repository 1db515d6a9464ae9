"""Throughput of train and adapt, of one process and of two, a thread each: what a second core brings and joining costs.

    python -m bench.processes [--steps 20]

R(2+1)D and TimeSformer by their recipes in params/recipes, on noise in memory; FT-C-LoRA by its recipe (batch, rate,
rank and targets), on a tiny SmolVLM with random weights that is shown noise. On a GPU the processes would be one a
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
from typing import Any

from stages.exact.reproducible import hold_arithmetic

TRAINED, ADAPTED = ("r2plus1d", "timesformer"), ("ft_c_lora",)
CASES = TRAINED + ADAPTED
_JOIN = ["--rdzv_backend", "c10d", "--rdzv_endpoint", "127.0.0.1:0", "--local_addr", "127.0.0.1"]


def work(case: str, steps: int) -> None:
    """Learn in this process, or its share in one of several; the first prints samples a second."""
    hold_arithmetic()
    import yaml

    from stages.learn.device import start
    from stages.learn.stepping import Stepper

    block = yaml.safe_load(Path(f"params/recipes/{case}.yaml").read_text())
    made = _adapting(block, steps) if case in ADAPTED else _training(block, steps)
    model, source, recipe = made
    accelerator = start(recipe)
    stepper = Stepper(accelerator, model.to(accelerator.device), source, recipe, "bench")
    for step in range(2):
        stepper.take(step)
    accelerator.wait_for_everyone()
    began = time.perf_counter()
    for step in range(2, steps + 2):
        stepper.take(step)
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        print(f"{recipe.batch * steps / (time.perf_counter() - began):.2f}")


def _training(given: dict[str, Any], steps: int) -> tuple[Any, Any, Any]:
    """Return a net, noise that it learns, and its recipe, of as many epochs of one step as are taken."""
    import torch

    from stages.learn.source import Inputs
    from stages.nets.models import Shape, build
    from stages.nets.trained import TrainRecipe

    block = TrainRecipe(**given)
    pixels, recipe = block.pixels, block.recipe.model_copy(update={"threads": 1, "epochs": steps + 2})

    class Noise:
        """A step's samples."""

        targets = torch.arange(recipe.batch) % 16

        def __len__(self) -> int:
            return recipe.batch

        def inputs(self, indices: Sequence[int], epoch: int | None, device: torch.device) -> Inputs:
            shape = (len(indices), pixels.frames, 3, *pixels.size[::-1])
            return {"pixel_values": torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(device)}

    return (
        build(block.net, Shape(pixels.frames, *pixels.size), [str(number) for number in range(16)]).model,
        Noise(),
        recipe,
    )


def _adapting(block: dict[str, Any], steps: int) -> tuple[Any, Any, Any]:
    """Return a VLM under LoRA with a head, the images that it learns from, and its recipe, as `_training`."""
    import numpy as np
    import torch

    from bench.vlm import PROMPT, Shape, engine_of
    from stages.adapt import lora
    from stages.adapt.heads import Headed
    from stages.adapt.params import FtCLora
    from stages.adapt.sources import Shown
    from stages.vlm.base import Media

    way = FtCLora(**block)
    recipe = way.recipe.model_copy(update={"threads": 1, "epochs": steps + 2, "accumulate": 1})
    torch.manual_seed(0)
    engine = engine_of(Shape("smolvlm", {}, {}, 2, {}), "float32", 1, "cpu")
    lora.put_on(engine.model, way.lora, 0)
    rng = np.random.default_rng(0)
    shown = {
        f"clip{number}": Media("images", list(rng.integers(0, 255, (2, 96, 128, 3), np.uint8)))
        for number in range(recipe.batch)
    }
    wanted = torch.arange(recipe.batch) % 16
    return Headed(engine.model, 16), Shown(engine, PROMPT, list(shown), shown.__getitem__, wanted), recipe


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
