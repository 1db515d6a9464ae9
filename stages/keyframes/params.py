"""Params of `keyframes`: how many, chosen how, stored how."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stages.core.params import Declared, Params


class KeyframesParams(Params):
    """The block `keyframes.<dataset>`."""

    method: Literal["katna", "uniform"]
    """katna: change, brightness, entropy, K-Means over histograms, sharpness; uniform: the middles of equal parts."""
    count: int = Field(ge=1, le=64)
    """Keyframes of a clip; a clip with fewer frames gives all of them."""
    seed: int = Field(ge=0)
    """Of Katna's K-Means; Katna's own is 0."""
    format: Literal["jpeg", "png"]
    """How images are stored."""
    quality: int = Field(ge=1, le=100)
    """Of a JPEG; 95 is what Katna's own writer takes. A PNG keeps every pixel and ignores it."""
    side: int | None = Field(ge=16)
    """The longer side is at most this many pixels; null keeps the clip's size."""


PARAMS: Declared = {"keyframes.{dataset}": KeyframesParams}
