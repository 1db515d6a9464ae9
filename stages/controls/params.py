"""Params of `controls`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, PositiveInt

from stages.base.params import Declared, Params
from stages.base.video.controls import CONTROLS
from stages.nets.trained import TrainParams, TrainRecipe
from stages.teachers.heads import Kind
from stages.teachers.mixing import Mix
from stages.teachers.params import Distillation


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
    """Classes that differ in the direction of motion only, or in who acts by side."""
    in_pairs: list[Control]
    """Controls on the test clips of each pair, where the choice is between the two; chance is a half. `reversed`
    and `mirrored` are asked of trained methods only: a classifier that learns from such clips is right on them."""


class AskedRecipe(TrainRecipe):
    """The recipe of a method that `train` or `distill` made; how it was taught plays no part any more."""

    heads: Kind = "label"
    """label: one head of labels; verb_noun: one of verbs and one of nouns, whose scores multiply."""
    distillation: Distillation | None = None
    """Of a student: its loss."""
    mix: Mix = "mean"
    """Of a student: how its teachers were weighed."""


class AskedParams(AskedRecipe, TrainParams):
    """A recipe, and the protocol whose train part it learnt from."""


PARAMS: Declared = {
    "controls.{dataset}": ControlsParams,
    "score.{dataset}.confidence": Annotated[float, Field(ge=0.5, lt=1)],
    "score.{dataset}.assumed_icc": Annotated[float, Field(ge=0, le=1)],
    "recipes.{recipe}": AskedRecipe,
}
