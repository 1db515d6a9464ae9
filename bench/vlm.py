"""Throughput of the local back end: clips and tokens a second at each batch, beside `generate` one by one, beside the
limit that memory bandwidth sets.

    python -m bench.vlm [--shape tiny|small|internvl3-8b|llama-3.2-11b-vision] [--clips 64] [--batch 1 8 32]

Weights are random: they take the time that trained ones take, and nothing is downloaded. Decoding reads all weights of
the language model, and the cache of every row, once a step; the limit is that many bytes at the bandwidth that a copy
reaches in the same run. It needs torch, transformers and Pillow only, so that a bare GPU machine can run it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
import transformers
from PIL import Image as PilImage

from bench.flops import machine
from stages.vlm.architectures import ARCHITECTURES
from stages.vlm.base import Media, Request
from stages.vlm.engine import Encoded, Engine

PROMPT = "Describe the activity of the person in one sentence."


class Shape(NamedTuple):
    """A model's architecture, the parts of its config, frames a clip and arguments of its processor."""

    architecture: str
    text: dict[str, Any]
    vision: dict[str, Any]
    frames: int
    processor: dict[str, Any]


_REAL: dict[str, Any] = {"initializer_range": 0.02}

#: The configs that OpenGVLab/InternVL3-8B-hf and meta-llama/Llama-3.2-11B-Vision publish.
SHAPES = {
    "tiny": Shape("internvl", {}, {}, 2, {"crop_to_patches": False}),
    "small": Shape(  # large enough that a CPU's memory, not Python, sets the pace
        "internvl",
        _REAL
        | {
            "vocab_size": 8192,
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 12,
            "num_attention_heads": 16,
            "num_key_value_heads": 4,
        },
        _REAL | {"hidden_size": 256, "intermediate_size": 1024, "image_size": 112, "patch_size": 14},
        2,
        {"crop_to_patches": False},
    ),
    "internvl3-8b": Shape(
        "internvl",
        _REAL
        | {
            "vocab_size": 151674,
            "hidden_size": 3584,
            "intermediate_size": 18944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "max_position_embeddings": 32768,
        },
        _REAL
        | {
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "image_size": 448,
            "patch_size": 14,
            "attention_bias": True,
        },
        2,
        {"crop_to_patches": False},
    ),
    "llama-3.2-11b-vision": Shape(
        "mllama",
        _REAL
        | {
            "vocab_size": 128256,
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_hidden_layers": 40,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "max_position_embeddings": 131072,
            "cross_attention_layers": [3, 8, 13, 18, 23, 28, 33, 38],
        },
        _REAL
        | {
            "hidden_size": 1280,
            "intermediate_size": 5120,
            "num_hidden_layers": 32,
            "num_attention_heads": 16,
            "image_size": 560,
            "patch_size": 14,
            "num_global_layers": 8,
            "vision_output_dim": 7680,
            "intermediate_layers_indices": [3, 7, 15, 23, 30],
        },
        1,
        {},
    ),
}


@dataclass(frozen=True)
class Block:
    """What the engine reads of a `LocalParams`, without pydantic."""

    dtype: str
    max_new_tokens: int
    processor: dict[str, Any] = field(default_factory=dict)
    revision: None = None
    temperature: float = 0.0
    seed: int = 0
    thinking: tuple[tuple[str, str], ...] = ()


def engine_of(shape: Shape, dtype: str, tokens: int, device: str) -> Engine:
    """Return a model of a shape with random weights, made on its device."""
    config, processor = ARCHITECTURES[shape.architecture](shape.text, shape.vision)
    kind: Any = transformers.AutoModelForImageTextToText
    with torch.device(device):
        model = kind.from_config(config, dtype=getattr(torch, dtype)).eval()
    model.generation_config.do_sample = False
    block: Any = Block(dtype, tokens, shape.processor)
    engine = Engine(block, config, processor, model, device)
    engine.ends = [config.get_text_config().vocab_size - 1]  # a token that it hardly writes: all answers are full
    return engine


def clips(count: int, frames: int) -> list[Request]:
    """Return requests of `count` different clips, frames of 480 x 640."""
    rng = np.random.default_rng(0)
    return [
        Request(PROMPT, Media("images", [rng.integers(0, 255, (480, 640, 3), dtype=np.uint8) for _ in range(frames)]))
        for _ in range(count)
    ]


def timed(work: Callable[[], Any], device: str) -> tuple[float, Any]:
    """Return seconds and result of `work`."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    start = time.perf_counter()
    result = work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - start, result


def one_by_one(engine: Engine, requests: Sequence[Request], arguments: dict[str, Any]) -> int:
    """Ask as a script does: a clip through processor and `generate`, then the next; return the tokens written."""
    written = 0
    for request in requests:
        assert request.media is not None
        turn = [{"type": "image", "image": PilImage.fromarray(frame)} for frame in request.media.frames]
        inputs = engine.processor.apply_chat_template(
            [{"role": "user", "content": [*turn, {"type": "text", "text": request.prompt}]}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            **({"processor_kwargs": arguments} if arguments else {}),
        ).to(engine.device, engine.model.dtype)
        with torch.inference_mode():
            out = engine.model.generate(
                **inputs, max_new_tokens=engine.params.max_new_tokens, do_sample=False, eos_token_id=engine.ends
            )
        written += out.shape[1] - inputs["input_ids"].shape[1]
        engine.tokenizer.decode(out[0], skip_special_tokens=True)
    return written


def bandwidth(device: str) -> float:
    """Return bytes a second that memory gives and takes in a copy, the best of ten."""
    source = torch.ones(1 << (30 if device.startswith("cuda") else 27), device=device)  # 4 GiB or 512 MiB
    target = torch.empty_like(source)
    best = min(timed(lambda: target.copy_(source), device)[0] for _ in range(10))
    return 2 * source.nbytes / best


def step_bytes(engine: Engine, batch: int, length: int) -> int:
    """Return the bytes that a step of decoding must read: language weights once, and each row's cache."""
    language = [
        parameter
        for name, parameter in engine.model.named_parameters()
        if not any(part in name for part in ("vision", "visual", "projector", "embed_tokens"))
    ]
    text = engine.config.get_text_config()
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    cross = set(getattr(text, "cross_attention_layers", None) or [])
    cached = 2 * (text.num_hidden_layers - len(cross)) * text.num_key_value_heads * head * length
    if cross:  # keys and values of the image: four tiles of patches and a class token each
        seen = engine.config.vision_config
        patches = 4 * ((seen.image_size // seen.patch_size) ** 2 + 1)
        cached += 2 * len(cross) * text.num_key_value_heads * head * patches
    width = language[0].element_size()
    return sum(parameter.nbytes for parameter in language) + batch * cached * width


def in_batches(engine: Engine, encoded: Sequence[Encoded], batch: int) -> int:
    """Answer encoded clips in batches; return the tokens written."""
    return sum(
        answer.tokens_out or 0
        for start in range(0, len(encoded), batch)
        for answer in engine._answer(encoded[start : start + batch])
    )


def report(engine: Engine, shape: Shape, requests: Sequence[Request], batches: Sequence[int], single: int) -> None:
    """Measure and print."""
    device = engine.device
    one_by_one(engine, requests[:1], shape.processor)  # warm
    seconds, written = timed(lambda: one_by_one(engine, requests[:single], shape.processor), device)
    alone = single / seconds
    print(f"generate, one by one ({single} clips): {alone:.3f} clips/s, {written / seconds:.1f} tokens/s")
    encoding, encoded = timed(lambda: [engine.encode(request) for request in requests], device)
    ready = [each for each in encoded if isinstance(each, Encoded)]
    print(f"processor (one core): {len(requests) / encoding:.2f} clips/s; prompt of {ready[0].length} tokens")
    speed = bandwidth(device)
    print(f"memory: {speed / 1e9:.1f} GB/s")
    print("batch  clips/s  with processor  x one by one  tokens/s  decode tokens/s  bandwidth limit  share of limit")
    for batch in batches:
        used = ready[: max(batch, len(ready) // batch * batch)]
        if len(used) < batch:
            print(f"{batch:5}  needs --clips {batch} or more")
            continue
        try:
            in_batches(engine, used[:batch], batch)  # warm
            total, tokens = timed(lambda b=batch, u=used: in_batches(engine, u, b), device)  # type: ignore[misc]
            first = prefill(engine, used[:batch], device) * len(used) / batch
        except torch.cuda.OutOfMemoryError:
            print(f"{batch:5}  does not fit")
            break
        rate = len(used) / total
        both = len(used) / (total + encoding * len(used) / len(requests))
        decode = (tokens - len(used)) / (total - first)
        length = used[0].length + engine.params.max_new_tokens // 2
        limit = batch * speed / step_bytes(engine, batch, length)
        print(
            f"{batch:5}  {rate:7.3f}  {both:14.3f}  {both / alone:12.2f}  {tokens / total:8.1f}  {decode:15.1f}  "
            f"{limit:15.1f}  {decode / limit:14.3f}"
        )


def prefill(engine: Engine, batch: Sequence[Encoded], device: str) -> float:
    """Return the seconds of reading a batch's prompts: those of answers of one token."""
    block = engine.params
    one: Any = Block(block.dtype, 1, block.processor)
    engine.params = one
    try:
        return timed(lambda: engine._answer(batch), device)[0]
    finally:
        engine.params = block


def main() -> None:
    """Read the command line, make the model, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="tiny")
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--single", type=int, default=8, help="clips asked one by one")
    parser.add_argument("--tokens", type=int, default=64, help="tokens of an answer")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4, 16, 32, 64])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default=None, help="bfloat16 on a GPU, float32 on a CPU")
    given = parser.parse_args()
    dtype = given.dtype or ("bfloat16" if given.device.startswith("cuda") else "float32")
    torch.manual_seed(0)
    shape = SHAPES[given.shape]
    engine = engine_of(shape, dtype, given.tokens, given.device)
    size = sum(parameter.numel() for parameter in engine.model.parameters())
    print(
        f"{given.shape}: {size / 1e6:.1f} M parameters, {dtype}, {shape.frames} frames a clip, {given.tokens} tokens "
        f"an answer; {machine(given.device)}; "
        f"torch {torch.__version__}, transformers {transformers.__version__}"
    )
    report(engine, shape, clips(given.clips, shape.frames), given.batch, given.single)


if __name__ == "__main__":
    main()
