"""Params of a frozen encoder: a file of params/models with `backend: encoder`."""

from __future__ import annotations

from typing import Literal

from stages.base.params import Params
from stages.vlm.params import About


class EncoderParams(Params):
    """A transformers model whose features are taken as they are: nothing of it learns."""

    backend: Literal["encoder"]
    """encoder: a frozen model of images."""
    name: str
    """Hub name (owner/model) or the path of a folder written by `save_pretrained`."""
    revision: str | None
    """Hub commit, 40 hex digits; null for a path, whose files are hashed."""
    dtype: Literal["float32", "float64", "bfloat16", "float16"] = "float32"
    """Number format of weights and activations."""
    about: About | None = None
    """What people must know of it; it shapes no feature."""
