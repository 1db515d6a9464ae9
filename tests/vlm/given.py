"""What tests of this room give to a back end."""

from pathlib import Path
from typing import Any

import numpy as np

from stages.vlm.base import Media
from stages.vlm.params import ApiParams, LocalParams, VllmModelParams


def params(folder: Path | str, **differs: Any) -> LocalParams:
    given = {
        "backend": "local",
        "name": str(folder),
        "revision": None,
        "media": "images",
        "frames": 2,
        "processor": {},
        "dtype": "float32",
        "quantisation": None,
        "attention": "sdpa",
        "max_new_tokens": 8,
        "temperature": 0,
        "seed": 0,
    }
    return LocalParams(**(given | differs))


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
    given = {
        "backend": "vllm",
        "name": str(folder),
        "revision": None,
        "media": "images",
        "frames": 2,
        "processor": {},
        "dtype": "float32",
        "quantisation": None,
        "batch_invariant": False,
        "max_new_tokens": 8,
        "temperature": 0,
        "seed": 0,
        "context": 512,
        "arguments": {"enforce_eager": True},
    }
    return VllmModelParams(**(given | differs))
