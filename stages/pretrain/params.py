"""Params of `pretrain`."""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt

from stages.base.params import Declared, Params


class Phase(Params):
    """One of the two phases of training."""

    steps: PositiveInt
    """Optimiser steps."""
    batch: PositiveInt
    """Samples a step."""
    rate: PositiveFloat
    """Peak learning rate; it rises over a tenth of the steps and falls to 0 as a cosine."""


class VisionPhase(Phase):
    """The first phase, which sees windows of frames before it sees whole ones."""

    window: PositiveInt
    """Side of the windows, pixels: a multiple of 32."""
    zoom: tuple[PositiveFloat, PositiveFloat]
    """Pixels of the frame for one of the window, at least and at most."""
    whole: float = Field(gt=0, le=1)
    """Share of the steps, the last ones, that see whole frames; their batch is smaller: it has as many pixels."""


class LanguagePhase(Phase):
    """The second phase; a sample is a clip with several questions about it."""

    questions: PositiveInt
    """Questions about each clip of a step."""
    text_first: float = Field(ge=0, le=1)
    """Share of the steps whose questions stand before the frames; such a step asks one of each clip."""


class PretrainRecipe(Params):
    """A recipe, params/recipes/<recipe>.yaml."""

    seed: int
    """Seed of weights, order and augmentation."""
    threads: PositiveInt
    """Threads to compute with; another number sums in another order and gives another model."""
    size: tuple[PositiveInt, PositiveInt]
    """Width and height, pixels, that images are brought to: multiples of 32."""
    channels: list[PositiveInt] = Field(min_length=4, max_length=4)
    """Channels of the vision tower's four stages; the last is the width of a visual token."""
    hidden: PositiveInt
    """Width of the language model."""
    layers: PositiveInt
    """Layers of the language model."""
    vocabulary: PositiveInt
    """Most tokens of the tokenizer, which is trained on what the model is taught to read and write."""
    frames: PositiveInt
    """Frames of a clip that a question shows."""
    vision: VisionPhase
    """The vision tower alone, a frame at a time, on what the simulator knows of it."""
    language: LanguagePhase
    """Projector and language model on questions and answers, the vision tower frozen."""


class PretrainParams(PretrainRecipe):
    """A recipe and what is learnt from."""

    scene: str
    """Scene of `simulate` whose clips it learns from; activities that are not in it stay unseen."""
    tables: str | None
    """Scene of recorded tables whose windows it learns from too; None for none."""


PARAMS: Declared = {"recipes.{recipe}": PretrainRecipe}
