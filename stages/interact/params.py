"""Params of `interact`: OV-HHIR (Ray et al.), and a classifier on the same frozen features.

What the paper leaves open is a field here; its docstring says what was chosen where the paper says nothing.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveInt, field_validator, model_validator

from stages.base.errors import ERRORS
from stages.base.params import Declared, Params
from stages.encoders.params import EncoderParams
from stages.learn.params import Recipe
from stages.vlm.params import LocalParams, NoParams

#: A placeholder of a prompt -> the stream that stands there.
PLACES = {"<p1>": "p1", "<p2>": "p2", "<bg>": "bg", "<frames>": "frames"}


class QFormerParams(Params):
    """Transformers' `Blip2QFormerModel`; the defaults are Video-LLaMA's Video Q-Former, random at the start."""

    layers: PositiveInt = 2
    """Layers."""
    hidden: PositiveInt = 768
    """Width."""
    heads: PositiveInt = 12
    """Attention heads."""
    inner: PositiveInt = 3072
    """Width within a layer's two linear maps."""
    cross_every: PositiveInt = 1
    """Every so many layers look at the features; 1: each."""
    queries: PositiveInt = 32
    """Queries, and so tokens of the language model."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Of hidden states and attention."""


class Seeing(Params):
    """What is seen of a clip, by frozen encoders."""

    media: Literal["streams", "whole_frames"] = "streams"
    """streams: two people, each alone, and the rest; whole_frames: frames as they are, for an ablation."""
    background: bool = True
    """Whether the rest is a stream too; the paper calls it optional."""
    frames: PositiveInt = 16
    """Frames of a clip, evenly over all of it (paper: 16)."""
    crop: Literal["person", "pair"] = "person"
    """What ViTPose is given. Open in the paper. person: each person's own box, as ViTPose was made for; pair: one box
    around both, in which each still stands alone, so that the tokens know how far apart they are."""
    masked: bool = True
    """Whether all but the person is black in a person's stream (paper: three masked videos); false: the box alone."""
    pooled: bool = False
    """Whether a frame's tokens are averaged to one. Open in the paper; here all of them go on."""
    keep: Literal["float16", "float32"] = "float16"
    """Number format in which features are kept."""

    @property
    def names(self) -> list[str]:
        """The streams, in the order of the prompt."""
        return ["frames"] if self.media == "whole_frames" else ["p1", "p2", *(["bg"] if self.background else [])]

    @property
    def people(self) -> bool:
        """Whether people are seen apart."""
        return self.media == "streams"

    @property
    def looks(self) -> bool:
        """Whether a ViT sees frames."""
        return self.background or not self.people


class _Way(Params):
    dtype: Literal["float32", "float64", "bfloat16", "float16"] | None = None
    """Number format of the frozen language model; null: that of its block."""
    seeing: Seeing = Seeing()
    """What is seen of a clip."""
    hidden: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of a clip's frames that training does not look at, others in each epoch: features are kept, so that no clip
    can be changed itself. Open in the paper; 0: all are seen."""
    swapped: bool = False
    """At test time person 1 stands where person 2 stood: a control. Nothing else is trained for it."""
    recipe: Recipe
    """How it is learnt."""
    errors: Annotated[float, Field(ge=0, le=1)] = ERRORS
    """Share of the test clips that may be errors; with more the cell fails."""

    @field_validator("recipe")
    @classmethod
    def _not_mixed(cls, recipe: Recipe) -> Recipe:
        if recipe.mixup:
            raise ValueError("what is said cannot be mixed: set mixup: 0")
        return recipe


class Talking(_Way):
    """OV-HHIR: Q-Formers before a frozen language model."""

    kind: Literal["qformer"]
    """qformer: a Video Q-Former a stream, whose tokens a language model reads."""
    first: Literal["describe", "one_word"] = "describe"
    """Which turn comes first. describe: as in the paper's figure; its second answer can then be read off the first, so
    that learning to give it asks nothing of the streams, and at test time it hangs on what was described. one_word: the
    class is asked of the streams, and the description follows it. The prompt of the paper's classifier is open."""
    describe: str = "describe"
    """File in stages/interact/prompts, without .txt: the turn that describes. The first turn's prompt has a placeholder
    for each stream, the second's none."""
    one_word: str = "one_word"
    """The same of the turn that names."""
    qformer: QFormerParams = QFormerParams()
    """The Video Q-Former."""
    image_qformer: QFormerParams | None = None
    """A Q-Former over the tokens of each frame before it, as Video-LLaMA has (frozen there, learnt here). Open in the
    paper; null: tokens go straight to the Video Q-Former."""
    shared: bool = True
    """Whether both people have one Q-Former. Open in the paper; here they do: the prompt tells them apart, and each
    learns from twice as many people."""
    weigh: Literal["tokens", "turns"] = "tokens"
    """Mean of the cross-entropy: over all tokens of both answers, or over the tokens of each turn and then both."""
    classifier: Literal["likelihood", "said"] = "likelihood"
    """The class of a clip. likelihood: whose words the model is likeliest to say as its one word, among N classes;
    said: the one that it says, and none where that is no class. Class scores are the likelihoods' either way."""
    longest: tuple[PositiveInt, PositiveInt] = (48, 12)
    """Most tokens of a description, and of the one word."""

    @property
    def turns(self) -> tuple[str, str]:
        """Names of the two turns, in their order."""
        return ("one_word", "describe") if self.first == "one_word" else ("describe", "one_word")

    @model_validator(mode="after")
    def _fits(self) -> Talking:
        if self.seeing.pooled and self.image_qformer is not None:
            raise ValueError("one token a frame needs no Q-Former over a frame's tokens: set image_qformer: null")
        return self


class Naming(_Way):
    """A classifier on frozen features of whole frames or streams, as ALS-HAR has it: no language."""

    kind: Literal["classifier"]
    """classifier: attention over all tokens of each stream, and a linear layer."""
    dropout: Annotated[NonNegativeFloat, Field(lt=1)] = 0.1
    """Of the pooled features."""


#: A recipe, params/recipes/<recipe>.yaml.
Way = Annotated[Talking | Naming, Field(discriminator="kind")]

#: The pose model, or nobody, where whole frames are seen.
Pose = EncoderParams | NoParams
#: What sees the background or whole frames: a ViT, a VLM's own vision tower, or nobody, where neither is seen.
Vision = EncoderParams | LocalParams | NoParams

PARAMS: Declared = {
    "recipes.{recipe}": Way,
    "vlm.{model}": LocalParams,
    "vlm.{pose}": Annotated[Pose, Field(discriminator="backend")],
    "vlm.{vision}": Annotated[Vision, Field(discriminator="backend")],
}
