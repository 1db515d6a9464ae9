"""Params of `adapt`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, field_validator

from stages.base.errors import ERRORS
from stages.base.params import Declared, Params
from stages.learn.params import Augmentation, Recipe
from stages.vlm.params import LocalParams

#: A part of a VLM.
Part = Literal["vision", "projector", "language"]


class LoraParams(Params):
    """LoRA (Hu et al. 2021), as peft's `LoraConfig` has it."""

    rank: PositiveInt
    """Rank of the update of a module."""
    alpha: PositiveInt
    """The update is scaled by alpha / rank."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """Share of the update's inputs that training sets to 0."""
    targets: list[str] = Field(min_length=1)
    """Last names of the modules that get LoRA, such as q_proj; convolution for a ResNet tower."""
    parts: list[Part] = Field(min_length=1)
    """Parts of the model that are searched for targets: vision (tower), projector, language (model)."""


class _Way(Params):
    prompt: str
    """File in stages/adapt/prompts, without .txt: what the model is asked about a clip."""
    text_first: bool = False
    """The prompt stands before what is shown, which is then read in its light; else behind it."""
    dtype: Literal["float32", "float64", "bfloat16", "float16"] | None = None
    """Number format that the model computes in while it is adapted; null: that of its block."""
    recipe: Recipe
    """How it is learnt."""
    errors: Annotated[float, Field(ge=0, le=1)] = ERRORS
    """Share of the predicted clips that may be errors; with more the cell fails, and
    what it learnt is kept."""

    @field_validator("recipe")
    @classmethod
    def _not_mixed(cls, recipe: Recipe) -> Recipe:
        if recipe.mixup:
            raise ValueError("what a VLM reads cannot be mixed: set mixup: 0")
        return recipe


class _Naming(_Way):
    text_first: bool = True
    """As the paper's authors have it: of a causal model, what stands behind the visual tokens has no part in them."""
    parts: tuple[Literal["validation", "test"], ...] = ("test",)
    """Clips of these parts are predicted; thresholds can be tuned where validation is among them."""


class FtLc(_Naming):
    """FT-LC: the VLM is frozen and a linear head learns on its pooled visual tokens."""

    kind: Literal["ft_lc"]
    """ft_lc: a head on the features of a frozen VLM, which are computed once."""


class FtCLora(_Naming):
    """FT-C-LoRA: the head and LoRA learn together."""

    kind: Literal["ft_c_lora"]
    """ft_c_lora: the same head, and LoRA in the VLM below it."""
    lora: LoraParams
    """Where LoRA is put, and how."""
    augmentation: Augmentation
    """Changes of a clip in training; {} for none. jitter has no effect: the frames are those that the VLM is shown."""


class Captions(_Way):
    """LoRA on the captioning objective: cross-entropy on the reference captions."""

    kind: Literal["captions"]
    """captions: LoRA learns to say the reference captions of the train part."""
    lora: LoraParams
    """Where LoRA is put, and how."""
    augmentation: Augmentation
    """Changes of a clip in training; {} for none."""


#: A recipe, params/recipes/<recipe>.yaml.
Way = Annotated[FtLc | FtCLora | Captions, Field(discriminator="kind")]

PARAMS: Declared = {"recipes.{recipe}": Way, "vlm.{model}": LocalParams}
