"""Params of `train`: what learns, and how."""

from __future__ import annotations

from stages.base.params import Declared
from stages.nets.trained import TrainRecipe

PARAMS: Declared = {"recipes.{recipe}": TrainRecipe}
