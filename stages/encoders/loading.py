"""Load a frozen model and its image processor, checked against what was recorded of them."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from stages.base.errors import InputError
from stages.encoders.params import EncoderParams
from stages.exact.double import double
from stages.exact.formats import computed_in
from stages.vlm.checkpoint import explained, is_folder, revision_of
from stages.weights.unchanged import check_folder, check_hub


def load(params: EncoderParams, device: str, model: Any, processor: Any) -> tuple[Any, Any]:
    """Return a model on `device`, which learns nothing, and its image processor.

    Args:
        params: which.
        device: torch's name of it.
        model: the class, such as `transformers.AutoModel`.
        processor: the image processor's class.

    Raises:
        InputError: there is no such model, its weights are no safetensors, or its files are not those recorded.
    """
    revision = revision_of(params.name, params.revision)
    pinned = None if is_folder(params.name) else revision
    if pinned is None:
        check_folder(Path(params.name))
    with explained(params.name):
        made = model.from_pretrained(
            params.name, revision=pinned, dtype=getattr(torch, params.dtype), use_safetensors=True
        )
        images = processor.from_pretrained(params.name, revision=pinned)
    if pinned is not None:
        check_hub(params.name, pinned)
    return double(made.requires_grad_(False).eval().to(device)), images


def shape_of(params: EncoderParams) -> dict[str, Any]:
    """Return all that shapes a model's features; a folder is named by its files' hash, wherever it lies.

    Raises:
        InputError: there is no such folder, or a hub model without its commit.
    """
    return {
        "name": None if is_folder(params.name) else params.name,
        "revision": revision_of(params.name, params.revision),
        "dtype": computed_in(params.dtype),
        "libraries": {name: version(name).split("+")[0] for name in ("torch", "torchvision", "transformers")},
    }


def check_kind(model: Any, kind: type, params: EncoderParams, do: str) -> None:
    """Raise an InputError where a loaded model is of another kind than is needed."""
    if not isinstance(model, kind):
        raise InputError(f"is a {type(model).__name__}, expected a {kind.__name__}", file=params.name, do=do)
