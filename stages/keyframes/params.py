"""Params of `keyframes`: how many, chosen how, stored how."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stages.base.errors import InputError
from stages.base.params import Declared, Params


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


PARAMS: Declared = {"keyframes.{dataset}": KeyframesParams, "ingest.{dataset}.licensed": bool}


def check_licence(dataset: str, licensed: bool, kept: bool) -> None:
    """Refuse to write a licensed data set's images where `dvc push` would send them to a remote.

    Raises:
        InputError: the data set is licensed and the stage that runs is not the one whose output is kept.
    """
    if licensed and not kept:
        raise InputError(
            "is licensed, and this stage's output is one that `dvc push` sends to a remote",
            file=f"params/datasets/{dataset}.yaml",
            key="ingest.licensed",
            do="move its record in params.yaml from `pushed` to `kept`; or, where its licence allows, say false",
        )
