"""A trained video model's params, and where its files lie: what `train` writes and `controls` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from stages.base.params import Params
from stages.base.paths import Run
from stages.learn.params import Augmentation, Pixels, Recipe, Views
from stages.nets.params import Net


class TrainRecipe(Params):
    """A recipe, params/recipes/<recipe>.yaml."""

    net: Net
    """Which model, of what size, from which weights."""
    pixels: Pixels
    """Which frames of a clip it sees, and how large."""
    recipe: Recipe
    """How it is trained."""
    augmentation: Augmentation = Field(default_factory=Augmentation)
    """Changes of a clip in training."""
    views: Views = Field(default_factory=Views)
    """Looks at a clip at test time."""
    parts: list[Literal["validation", "test"]] = Field(default=["test"], min_length=1)
    """Clips that it predicts, validation ones too where thresholds shall be tuned on them; tests alone are scored."""

    @model_validator(mode="after")
    def _sees_three(self) -> TrainRecipe:
        if self.views.places == 3 and self.views.crop == 1:
            raise ValueError("three places need a crop below 1: give `views.crop`")
        return self


class TrainParams(TrainRecipe):
    """A recipe, and on what."""

    protocol: str
    """Protocol of the data set that it is trained and scored on."""


def models(run: Run, method: str, fold: str) -> Path:
    """Return the folder of a method's weights, of one fold where the protocol has folds."""
    return run.data / "models" / method / fold


def curves(run: Run, method: str, fold: str) -> Path:
    """Return the folder of its learning curves."""
    return run.data / "curves" / method / fold
