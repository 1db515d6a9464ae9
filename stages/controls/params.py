"""Params of `controls`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt

from stages.core.params import Declared, Params


class ControlsParams(Params):
    """Block `controls.<dataset>`."""

    model: str
    """Folder of the VLM whose vision tower sees the frames."""
    protocol: str
    """Protocol whose train part the classifier learns from and whose test part it names."""
    frames: PositiveInt
    """Frames of a clip, evenly spread."""
    everywhere: list[str]
    """Controls of stages/video/controls.py that are applied to all clips."""
    pairs: list[Annotated[list[str], Field(min_length=2, max_length=2)]]
    """Classes that differ in the direction of motion only."""
    in_pairs: list[str]
    """Controls that are applied to the clips of each pair, between whose two classes the classifier then decides."""
    seed: int
    """Seed of the controls' draws."""


PARAMS: Declared = {
    "controls.{dataset}": ControlsParams,
    "score.confidence": Annotated[float, Field(ge=0.5, lt=1)],
    "score.assumed_icc": Annotated[float, Field(ge=0, le=1)],
}
