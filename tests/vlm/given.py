"""What tests of this room give to a back end."""

from pathlib import Path
from typing import Any

import numpy as np

from stages.vlm.base import Media
from stages.vlm.params import ApiParams, LocalParams, VllmModelParams

#: What is said of a tiny model's weights, whoever computes with them.
WEIGHTS: dict[str, Any] = {
    "revision": None,
    "media": "images",
    "frames": 2,
    "processor": {},
    "dtype": "float32",
    "quantisation": None,
    "max_new_tokens": 8,
    "temperature": 0,
    "seed": 0,
}


def block(name: Path | str, /, **differs: Any) -> dict[str, Any]:
    """Return the block of a tiny model of this machine."""
    return WEIGHTS | {"backend": "local", "name": str(name), "attention": "sdpa"} | differs


def params(folder: Path | str, **differs: Any) -> LocalParams:
    return LocalParams(**block(folder, **differs))


def api_params(**differs: Any) -> ApiParams:
    given = {
        "backend": "api",
        "name": "some-model",
        "engine": "test 1",
        "key": None,
        "media": "images",
        "frames": 2,
        "image_format": "png",
        "image_side": None,
        "detail": None,
        "max_new_tokens": 8,
        "temperature": 0,
        "seed": 3,
        "logprobs": True,
        "constrain": None,
    }
    return ApiParams(**(given | differs))


def media(kind: Any, frames: int, seed: int) -> Media:
    rng = np.random.default_rng(seed)
    shown = [rng.integers(0, 255, (40, 56, 3), dtype=np.uint8) for _ in range(frames)]
    return Media(kind, shown, 2.0 if kind == "video" else None)


def vllm_params(folder: Path | str, **differs: Any) -> VllmModelParams:
    own = {"backend": "vllm", "name": str(folder), "batch_invariant": False, "context": 512}
    return VllmModelParams(**(WEIGHTS | own | {"arguments": {"enforce_eager": True}} | differs))
