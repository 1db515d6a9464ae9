"""Training throughput: clips decoded once and kept, beside a plain loop that decodes each clip in every epoch.

    python -m bench.train [--shape tiny|timesformer-base] [--clips 32] [--batch 8] [--checkpointing]

Without --shape it is the tiny one on a CPU, and TimeSformer-base (8 frames of 224 x 224) where there is a GPU. Weights
are random, clips are noise in motion: both take the time that real ones take. The loops differ in where the pixels come
from and in nothing else, and run in turns. The share of the card's peak counts a forward and a backward pass over each
clip, and nothing that is computed again to save memory.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from bench.flops import counted, machine, share
from bench.vlm import timed
from stages.learn.data import Clip
from stages.learn.device import logits_of, start
from stages.learn.frames import Store, decode
from stages.learn.params import Augmentation, Pixels, Recipe
from stages.learn.source import Clips
from stages.learn.stepping import Stepper
from stages.nets.models import Built, Shape, build
from stages.nets.params import Net
from stages.simulate.render import encode


class Case(NamedTuple):
    """What is trained on which clips."""

    net: Net
    pixels: Pixels
    clip: tuple[int, int, int]
    """Frames, width and height of a clip's file."""


CASES = {
    "tiny": Case(
        Net(
            architecture="videomae",
            stem="convolutions",
            options={"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128},
        ),
        Pixels(frames=8, size=(80, 64), kept=16, kept_size=(96, 80)),
        (38, 160, 128),  # the embedded benchmark's
    ),
    "timesformer-base": Case(
        Net(architecture="timesformer"),
        Pixels(frames=8, size=(224, 224), kept=16, kept_size=(256, 256)),
        (64, 640, 480),
    ),
}
CHANGE = Augmentation(crop=(0.6, 1.0), ratio=(0.8, 1.25), flip=True, brightness=0.2, jitter=True)
CLASSES = [f"class {number}" for number in range(16)]


def clips(folder: Path, count: int, size: tuple[int, int, int]) -> list[Clip]:
    """Write and return clips: a noisy picture that drifts, so that a codec has something to do."""
    frames, width, height = size
    made = []
    for number in range(count):
        rng = np.random.default_rng(number)
        picture = rng.integers(0, 256, (height // 8, width // 8 + frames, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        path = folder / f"{number}.mp4"
        encode(np.stack([picture[:, 4 * t : 4 * t + width] for t in range(frames)]), 12.5, path)
        made.append(Clip(str(number), path, f"bench {number}", frames, (CLASSES[number % len(CLASSES)],)))
    return made


def sources(case: Case, made: Sequence[Clip], built: Built) -> tuple[Clips, Clips, float]:
    """Return where pixels come from: kept frames, and decoding each time; and the seconds that keeping took."""
    store = Store(case.pixels)
    seconds, _ = timed(lambda: store.keep(made, len(os.sched_getaffinity(0))), "cpu")
    wanted = torch.arange(len(made)) % len(CLASSES)

    def plain(clip: Clip) -> Any:
        return decode(clip, case.pixels.kept, case.pixels.kept_size, case.pixels.fit)

    kept = Clips(made, wanted, store, built.mean, built.std, CHANGE)
    return kept, Clips(made, wanted, store, built.mean, built.std, CHANGE, control=plain), seconds


def report(case: Case, count: int, batch: int, epochs: int, precision: str, checkpointing: bool) -> None:
    """Measure and print."""
    recipe = Recipe.model_validate(
        {
            "seed": 0,
            "threads": len(os.sched_getaffinity(0)),
            "epochs": 10_000,
            "batch": batch,
            "rate": 1e-4,
            "precision": precision,
            "checkpointing": checkpointing,
        }
    )
    accelerator = start(recipe)
    device = str(accelerator.device)
    built = build(case.net, Shape(case.pixels.frames, *case.pixels.size), CLASSES)
    built.model.to(accelerator.device)
    weights, (width, height) = sum(one.numel() for one in built.model.parameters()), case.pixels.size
    print(
        f"{case.net.architecture}, {weights / 1e6:.1f} M weights, {case.pixels.frames} frames of {width} x {height}, "
        f"batch {batch}, {precision}"
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HAR_JOURNAL"] = folder
        kept, plain, keeping = sources(case, clips(Path(folder), count, case.clip), built)
        with accelerator.autocast():
            work = counted(built.model, lambda: logits_of(built.model, kept.inputs([0], 0, accelerator.device)))
        stepper = Stepper(accelerator, built.model, kept, recipe, "bench")
        for step in range(2):  # warm
            stepper.take(step)
        if device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats()
        seconds, per = {"kept": 0.0, "plain": 0.0}, stepper.an_epoch
        for epoch in range(epochs):  # in turns, so that what else the machine does meets both
            for name, source in (("kept", kept), ("plain", plain)):
                stepper.train = source
                seconds[name] += timed(_epoch(stepper, 2 + epoch), device)[0]
        looking = timed(lambda: [kept.inputs(stepper.picked(s), 0, accelerator.device) for s in range(per)], device)[0]
    lines(count * epochs, seconds, keeping, looking * epochs, work)
    if device.startswith("cuda"):
        speed = work * count * epochs / seconds["kept"]
        used = share(speed, device)
        part = f", {used:.3f} of its bf16 peak" if used else ""
        memory = torch.cuda.max_memory_allocated() / 2**30
        print(f"{machine(device)}: {speed / 1e12:.1f} TFLOP/s{part}; {memory:.1f} GiB")


def _epoch(stepper: Stepper, epoch: int) -> Callable[[], None]:
    def run() -> None:
        for step in range(stepper.an_epoch):
            stepper.take(epoch * stepper.an_epoch + step)

    return run


def lines(seen: int, seconds: dict[str, float], keeping: float, looking: float, work: float) -> None:
    """Print the figures of `seen` clips in each loop."""
    print(
        f"kept frames: {seen / seconds['kept']:.2f} clips/s; keeping them took {keeping:.1f} s, once; reading and "
        f"augmenting them is {looking / seconds['kept']:.3f} of the time; {work / 1e9:.2f} GFLOP a clip"
    )
    print(f"decoding each epoch: {seen / seconds['plain']:.2f} clips/s")
    print(f"ratio: {seconds['plain'] / seconds['kept']:.2f}")


def main() -> None:
    """Read the command line and measure."""
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=sorted(CASES), default="timesformer-base" if gpu else "tiny")
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=3, help="timed epochs of each loop")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="bfloat16" if gpu else "float32")
    parser.add_argument("--checkpointing", action="store_true", help="compute activations again in the backward pass")
    given = parser.parse_args()
    report(CASES[given.shape], given.clips, given.batch, given.epochs, given.precision, given.checkpointing)


if __name__ == "__main__":
    main()
