"""Throughput of adapting a VLM: features of a frozen model (FT-LC), and training of LoRA with a head (FT-C-LoRA).

    python -m bench.adapt [--shape tiny|llava-next-video-7b] [--clips 16] [--batch 1 4] [--checkpointing]

Weights are random: they take the time that trained ones take, and nothing is downloaded. Without --shape it is the tiny
one on a CPU, and LLaVA-NeXT-Video's where there is a GPU. The share of the card's peak counts a forward and a backward
pass over each clip, and nothing that is computed again to save memory. It needs torch, transformers, peft, accelerate,
pydantic and Pillow only, so that a bare GPU machine can run it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from bench.flops import counted, machine, share
from bench.vlm import _REAL, PROMPT, Shape, engine_of, timed
from stages.adapt import lora
from stages.adapt.heads import Headed
from stages.adapt.params import LoraParams
from stages.adapt.pooling import pooled, visual_tokens
from stages.adapt.sources import Shown
from stages.vlm.base import Media
from stages.vlm.engine import Engine

#: newborn_lora's: rank, alpha, dropout and modules of the language model.
LORA = LoraParams(rank=16, alpha=32, dropout=0.1, targets=["q_proj", "k_proj", "v_proj", "o_proj"], parts=["language"])

SHAPES = {
    "tiny": Shape("llava_next_video", {}, {}, 4, {}),
    # The config that llava-hf/LLaVA-NeXT-Video-7B-hf publishes; 16 frames of 144 tokens each are newborn_lora's.
    "llava-next-video-7b": Shape(
        "llava_next_video",
        _REAL
        | {
            "vocab_size": 32064,
            "hidden_size": 4096,
            "intermediate_size": 11008,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
            "max_position_embeddings": 4096,
        },
        _REAL
        | {
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "image_size": 336,
            "patch_size": 14,
        },
        16,
        {},
    ),
}


def clips(count: int, frames: int) -> dict[str, Media]:
    """Return `count` different videos of 360 x 480 pixels."""
    rng = np.random.default_rng(0)
    shape = (frames, 360, 480, 3)
    return {
        f"clip{number}": Media("video", list(rng.integers(0, 255, shape, np.uint8)), 8.0) for number in range(count)
    }


def step(model: Any, inputs: dict[str, Any], wanted: torch.Tensor, optimiser: torch.optim.Optimizer) -> float:
    """Take one step; return its loss."""
    logits = model.train()(**inputs)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_([one for one in model.parameters() if one.requires_grad], 1.0)
    optimiser.step()
    return float(loss.detach())


def report(engine: Engine, frames: int, count: int, batches: Sequence[int], checkpointing: bool, steps: int) -> None:
    """Measure and print."""
    shown, device = clips(count, frames), torch.device(engine.device)
    source = Shown(engine, PROMPT, list(shown), shown.__getitem__, torch.zeros(count, 4))
    encoding, ready = timed(lambda: [source.inputs([index], None, device) for index in range(count)], engine.device)
    tokens = int(ready[0]["shown"][0]["input_ids"].shape[1])
    print(f"processor (one core): {count / encoding:.2f} clips/s; {tokens} tokens a clip")
    features(engine, ready)
    torch.manual_seed(0)
    lora.put_on(engine.model, LORA, 0)
    model = Headed(engine.model, 4).to(device)
    work = counted(model, lambda: model(**ready[0]))
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    print(
        f"FT-C-LoRA: {sum(one.numel() for one in learning) / 1e6:.2f} M weights learn"
        f"{', activations computed again' if checkpointing else ''}"
    )
    print("batch  clips/s  with processor  s/step  GFLOP/clip  TFLOP/s  share of peak  GiB")
    for batch in batches:
        inputs = source.inputs([index % count for index in range(batch)], None, device)
        try:
            print(line(model, inputs, batch, engine.device, steps, encoding / count, work))
        except torch.cuda.OutOfMemoryError:
            print(f"{batch:5}  does not fit")
            break


def features(engine: Engine, ready: Sequence[dict[str, Any]]) -> None:
    """Print how fast a frozen model gives features, a clip at a time."""
    tokens = visual_tokens(engine.config).to(engine.device)

    @torch.inference_mode()
    def compute() -> None:
        for inputs in ready:
            pooled(engine.model, tokens, inputs["shown"][0])

    compute()  # warm
    seconds, _ = timed(compute, engine.device)
    print(f"FT-LC: {len(ready) / seconds:.3f} features/s, a clip at a time")


def line(model: Any, inputs: dict[str, Any], batch: int, device: str, steps: int, encoding: float, work: int) -> str:
    """Return the figures of one batch size."""
    wanted = torch.zeros(batch, 4, device=device)
    optimiser = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=5e-5)
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
    for _ in range(2):  # warm
        step(model, inputs, wanted, optimiser)
    seconds, _ = timed(lambda: [step(model, inputs, wanted, optimiser) for _ in range(steps)], device)
    rate = batch * steps / seconds
    speed = work * rate
    used = share(speed, device)
    memory = f"{torch.cuda.max_memory_allocated() / 2**30:.1f}" if device.startswith("cuda") else "-"
    part = f"{used:.3f}" if used else "-"
    both = batch / (seconds / steps + batch * encoding)
    return (
        f"{batch:5}  {rate:7.3f}  {both:14.3f}  {seconds / steps:6.3f}  {work / 1e9:10.3f}  "
        f"{speed / 1e12:7.3f}  {part:>13}  {memory:>4}"
    )


def main() -> None:
    """Read the command line, make the model, measure."""
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="llava-next-video-7b" if gpu else "tiny")
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--steps", type=int, default=5, help="timed steps of each batch size")
    parser.add_argument("--checkpointing", action="store_true", help="compute activations again in the backward pass")
    parser.add_argument("--device", default="cuda" if gpu else "cpu")
    given = parser.parse_args()
    shape, dtype = SHAPES[given.shape], "bfloat16" if given.device.startswith("cuda") else "float32"
    torch.manual_seed(0)
    engine = engine_of(shape, dtype, 1, given.device)
    size = sum(parameter.numel() for parameter in engine.model.parameters())
    print(
        f"{given.shape}: {size / 1e6:.1f} M parameters, {dtype}, {shape.frames} frames a clip; "
        f"{machine(given.device)}; torch {torch.__version__}"
    )
    report(engine, shape.frames, given.clips, given.batch, given.checkpointing, given.steps)


if __name__ == "__main__":
    main()
