"""Params of `controls`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, PositiveInt

from stages.base.params import Declared, Params
from stages.nets.trained import TrainRecipe
from stages.video.controls import CONTROLS


def _known(name: str) -> str:
    if name not in CONTROLS:
        raise ValueError(f"no such control; there are {', '.join(CONTROLS)}")
    return name


Control = Annotated[str, AfterValidator(_known)]


class FrozenParams(Params):
    """Block `controls.<dataset>.frozen.<method>`: a linear classifier on the frozen vision of a VLM."""

    model: str
    """Folder of the VLM whose vision tower sees the frames."""
    protocol: str
    """Protocol whose train part the classifier learns from and whose test part it names."""
    frames: PositiveInt
    """Frames of a clip, evenly spread."""


class ControlsParams(Params):
    """Block `controls.<dataset>`, of a data set that the simulator rendered."""

    frozen: dict[str, FrozenParams]
    """Linear classifiers, by the names that they have in the table."""
    seed: int
    """Of the random frame and the random order; a clip's draws depend on it and the clip's name only."""
    everywhere: list[Control]
    """Controls on all test clips; chance is one in as many as there are classes."""
    pairs: list[tuple[str, str]]
    """Classes that differ in the direction of motion only."""
    in_pairs: list[Control]
    """Controls on the test clips of each pair, where the choice is between the two; chance is a half. `reversed` is
    asked of trained methods only: a classifier that learns from reversed clips is right on them."""


PARAMS: Declared = {
    "controls.{dataset}": ControlsParams,
    "score.{dataset}.confidence": Annotated[float, Field(ge=0.5, lt=1)],
    "score.{dataset}.assumed_icc": Annotated[float, Field(ge=0, le=1)],
    "recipes.{recipe}": TrainRecipe,
}
