"""Params of `pretrain`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, PositiveFloat, PositiveInt, Tag

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


class PoseRecipe(Phase):
    """A recipe of a pose model."""

    kind: Literal["pose"]
    """pose: a ViTPose on the joints of rendered people."""
    seed: int
    """Seed of weights, order and augmentation."""
    threads: PositiveInt
    """Threads to compute with; another number sums in another order and gives another model."""
    size: tuple[PositiveInt, PositiveInt]
    """Width and height, pixels, of a crop around a person."""
    patch: PositiveInt
    """Side of a patch, pixels: a divisor of both."""
    hidden: PositiveInt
    """Width of a token."""
    layers: PositiveInt
    """Layers of the transformer."""
    heads: PositiveInt
    """Its attention heads."""
    frames: PositiveInt
    """Frames of a clip that it learns from."""
    held: PositiveInt
    """Of so many subjects one is held out, for the share of joints found."""
    finer: PositiveInt
    """Cells of a heatmap for each patch across; ViTPose has 4."""
    sigma: PositiveFloat
    """Width of a joint's hill, cells of a heatmap."""
    zoom: tuple[PositiveFloat, PositiveFloat]
    """Least and largest scale of what is cut out; above 1 the person is smaller, as in a crop around two people."""
    shift: Annotated[float, Field(ge=0, lt=1)]
    """Largest shift of what is cut out, as a share of it."""
    masked: Annotated[float, Field(ge=0, le=1)]
    """Share of the crops that show the person alone before black, as its stream does."""


class PoseParams(PoseRecipe):
    """A recipe and what is learnt from."""

    scene: str
    """Scene of `simulate` whose people it learns from."""


class SpeakerRecipe(Phase):
    """A recipe of a language model that is taught, in text, how two people are spoken of."""

    kind: Literal["speaker"]
    """speaker: a language model on conversations about two people; it sees no clip."""
    seed: int
    """Seed of weights and conversations."""
    threads: PositiveInt
    """Threads to compute with; another number sums in another order and gives another model."""
    hidden: PositiveInt
    """Width."""
    layers: PositiveInt
    """Layers."""
    heads: PositiveInt
    """Attention heads."""
    vocabulary: PositiveInt
    """Most tokens of the tokenizer, which is trained on such conversations."""


def _kind(value: Any) -> str:
    return str(value.get("kind", "vlm") if isinstance(value, dict) else getattr(value, "kind", "vlm"))


#: A recipe, params/recipes/<recipe>.yaml; one without a kind is that of a VLM.
AnyRecipe = Annotated[
    Annotated[PretrainRecipe, Tag("vlm")]
    | Annotated[PoseRecipe, Tag("pose")]
    | Annotated[SpeakerRecipe, Tag("speaker")],
    Discriminator(_kind),
]

PARAMS: Declared = {"recipes.{recipe}": AnyRecipe}
