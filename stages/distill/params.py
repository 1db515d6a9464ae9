"""Params of `distill`: a trained video model's, how teachers are mixed, and the loss."""

from __future__ import annotations

from pydantic import Field

from stages.base.params import Declared
from stages.nets.trained import TrainParams, TrainRecipe
from stages.teachers.heads import Kind
from stages.teachers.mixing import Mix
from stages.teachers.params import Distillation


class DistillRecipe(TrainRecipe):
    """A recipe, params/recipes/<recipe>.yaml."""

    heads: Kind = "label"
    """label: one head of labels; verb_noun: one of verbs and one of nouns, whose scores multiply."""
    distillation: Distillation
    """The loss."""
    mix: Mix = "mean"
    """How several teachers are weighed: all alike, or by the softmin of their losses, a sample's or the set's."""


class DistillParams(DistillRecipe, TrainParams):
    """A recipe, on what, and who teaches."""

    teachers: list[str] = Field(default_factory=list)
    """Folders of teachers; none for cross-entropy alone."""


PARAMS: Declared = {"recipes.{recipe}": DistillRecipe}
