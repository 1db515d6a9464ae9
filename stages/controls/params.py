"""Params of `controls`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from stages.core.params import Declared, Params
from stages.nets.trained import TrainParams
from stages.video.controls import CONTROLS


def _known(name: str) -> str:
    if name not in CONTROLS:
        raise ValueError(f"no such control; there are {', '.join(CONTROLS)}")
    return name


Control = Annotated[str, AfterValidator(_known)]


class ControlsParams(Params):
    """Block `controls.<dataset>`, of a data set that the simulator rendered."""

    methods: list[str] = Field(min_length=1)
    """Trained methods, blocks under `train.<dataset>`."""
    seed: int
    """Of the random frame and the random order; a clip's draws depend on it and the clip's name only."""
    everywhere: list[Control]
    """Controls on all test clips; chance is one in as many as there are classes."""
    pairs: list[tuple[str, str]]
    """Classes that differ in the direction of motion only."""
    in_pairs: list[Control]
    """Controls on the test clips of each pair, where the model chooses between the two; chance is a half."""


PARAMS: Declared = {
    "controls.{dataset}": ControlsParams,
    "train.{dataset}": dict[str, TrainParams],
    "score.confidence": float,
    "score.assumed_icc": float,
}
