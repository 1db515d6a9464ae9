"""How something is learnt: one block, the same for every model that trains."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from stages.base.params import Params

Share = Annotated[float, Field(ge=0, le=1)]
Range = tuple[PositiveFloat, PositiveFloat]


class Grown(Params):
    """A block that got further fields: keys and cards of what was learnt before must stay as they are."""

    LATER: ClassVar[frozenset[str]] = frozenset()
    """Fields that a dump has only where they differ from their default."""

    @model_serializer(mode="wrap")
    def _dumped(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = dump(self)
        usual = {name for name in self.LATER if getattr(self, name) == type(self).model_fields[name].default}
        return {name: value for name, value in found.items() if name not in usual}


class Recipe(Params):
    """Optimisation: the optimiser, its rate over time, and when to stop."""

    seed: int
    """Seed of weights, order, augmentation and dropout."""
    threads: PositiveInt
    """Threads to compute with on a CPU; another number sums in another order and gives another model."""
    epochs: PositiveInt
    """Most passes over the train part."""
    batch: PositiveInt
    """Samples of an optimiser step, over all devices."""
    accumulate: PositiveInt = 1
    """Pieces in which a step's samples are computed, where a device cannot hold them at once."""
    optimiser: Literal["adamw", "sgd"] = "adamw"
    """sgd has a momentum of 0.9."""
    rate: PositiveFloat
    """Peak learning rate."""
    warmup: NonNegativeFloat = 0.0
    """Epochs over which the rate rises linearly from 0."""
    decay: Literal["linear", "cosine", "steps", "constant"] = "cosine"
    """How the rate falls: to 0 at the last step, or tenfold after each of the `milestones`; constant: it does not."""
    milestones: list[PositiveFloat] = Field(default_factory=list)
    """Epochs after which the rate falls tenfold; for decay: steps."""
    weight_decay: NonNegativeFloat = 0.05
    """Of matrices; biases, norms and embeddings of position have none."""
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Factor of the rate from a layer to the one below it (BEiT's; 1: none)."""
    head_factor: PositiveFloat = 1.0
    """Factor of the rate of the head, whose weights are new where the others come from a checkpoint."""
    clip: PositiveFloat | None = 1.0
    """Largest norm of a step's gradient; null: any."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16: autocast, for GPUs; weights and optimiser stay float32."""
    checkpointing: bool = False
    """Compute activations again in the backward pass instead of keeping them: less memory, a third more time."""
    class_weights: bool = True
    """Weigh a class by the inverse of its share of the train part (multi-label: a positive by negatives/positives)."""
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Label smoothing; single-label only."""
    mixup: NonNegativeFloat = 0.0
    """Mix each sample with another of its batch, by a share from Beta(mixup, mixup) (Zhang et al. 2018); 0: none."""
    average: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay of an exponential moving average of the weights, which is what is validated and kept; 0: none."""
    keep: Literal["best", "last"] = "best"
    """Which weights are kept: those of the epoch of the best validation, or the last ones. A validation part of few
    subjects picks an epoch by luck: with a rate that falls to 0 and an average, the last ones vary less."""
    patience: PositiveInt | None = None
    """Epochs without a better validation after which to stop; null: all epochs. No effect without validation part."""
    validate_every: PositiveInt = 1
    """Epochs from one validation to the next; the last epoch is always validated."""

    @model_validator(mode="after")
    def _stepped(self) -> Recipe:
        if (self.decay == "steps") != bool(self.milestones):
            raise ValueError("milestones belong to decay: steps, and to nothing else")
        if self.keep == "last" and self.patience is not None:
            raise ValueError("patience waits for a better epoch: with keep: last say patience: null")
        return self


class Augmentation(Grown):
    """Changes that a clip undergoes in training, drawn anew each epoch; the same for every frame of a clip."""

    LATER: ClassVar[frozenset[str]] = frozenset({"short", "hue", "order"})

    crop: Range = (1.0, 1.0)
    """Least and largest share of the frame's area that is cut out and brought to size; 1, 1: the whole frame."""
    ratio: Range = (1.0, 1.0)
    """Least and largest change of the aspect of what is cut out."""
    short: Range | None = None
    """Instead of crop and ratio: the frame's shorter side is brought to so many times the model's, in its own aspect,
    and what the model sees is cut out of that at any place (1.15, 1.43 in Radevski et al. 2023)."""
    flip: bool = False
    """Mirror half of the clips: off where left and right, handedness or direction tell classes apart."""
    brightness: Share = 0.0
    """Largest change of brightness, as a share."""
    contrast: Share = 0.0
    """Largest change of contrast, as a share."""
    saturation: Share = 0.0
    """Largest change of saturation, as a share; 1 reaches grey."""
    tint: Share = 0.0
    """Largest change of each colour channel by itself, as a share."""
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Largest turn of the hue, as a share of the circle; needs order: random."""
    order: Literal["fixed", "random"] = "fixed"
    """random: brightness, contrast, saturation and hue in an order that is drawn for each clip, each as torchvision's
    ColorJitter changes it; fixed: in this order, contrast about the mean of the whole clip."""
    jitter: bool = False
    """Draw each frame from anywhere in its part of the clip instead of the part's middle."""

    @field_validator("crop", "ratio", "short")
    @classmethod
    def _ordered(cls, span: Range | None) -> Range | None:
        if span is not None and span[0] > span[1]:
            raise ValueError("the smaller comes first")
        return span

    @field_validator("crop")
    @classmethod
    def _within(cls, span: Range) -> Range:
        if span[1] > 1:
            raise ValueError("no more than the whole frame, 1")
        return span

    @model_validator(mode="after")
    def _fits(self) -> Augmentation:
        if self.hue and self.order == "fixed":
            raise ValueError("hue is turned with order: random only")
        if self.short is not None and ((self.crop, self.ratio) != ((1.0, 1.0), (1.0, 1.0)) or self.short[0] < 1):
            raise ValueError("short is from 1 on, and stands instead of crop and ratio")
        return self


class Views(Grown):
    """Several looks at a clip at test time, whose scores are averaged."""

    LATER: ClassVar[frozenset[str]] = frozenset({"aspect"})

    times: PositiveInt = 1
    """Looks spread over the clip in time."""
    places: Literal[1, 3] = 1
    """1: the centre; 3: also both ends of the frame's longer side."""
    crop: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the frame's sides that a look sees; 3 places need less than 1."""
    aspect: Literal["frame", "model"] = "frame"
    """frame: all of the kept frame, stretched to what the model sees; model: the largest part of it that has the
    model's aspect (the shorter side brought to the model's, cut at the centre)."""


class Pixels(Grown):
    """Which frames of a clip a model sees, and how large."""

    LATER: ClassVar[frozenset[str]] = frozenset({"sampling", "stride"})

    frames: PositiveInt
    """Frames of a look."""
    window: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the clip over which a look's frames are spread evenly; below 1, training looks at a random place."""
    size: tuple[PositiveInt, PositiveInt]
    """Width and height of what the model sees, pixels."""
    sampling: Literal["kept", "segments", "dense"] = "kept"
    """kept: among `kept` frames, as `window` says. segments: over the whole clip, one out of each of `frames` equal
    segments, in training any, else the middle one. dense: each `stride`-th frame, in training from a random start, else
    about the clip's middle; a clip that is too short repeats its last frame. Both as Radevski et al. (2023) sample."""
    stride: PositiveInt = 1
    """Frames from one to the next, of dense sampling."""
    kept: PositiveInt | None
    """Frames of a clip that are decoded once and kept, evenly spread; a look picks among them. null: all of them, which
    `segments` and `dense` pick among."""
    kept_size: tuple[PositiveInt, PositiveInt]
    """Width and height at which they are kept; larger than `size` where crops shall stay sharp."""
    fit: Literal["stretch", "cover"] = "cover"
    """How a frame comes to `kept_size`: stretched, or scaled to cover it and cut at the centre."""

    @model_validator(mode="after")
    def _sampled(self) -> Pixels:
        every = self.sampling != "kept"
        if every != (self.kept is None):
            raise ValueError("segments and dense need kept: null (all frames), sampling: kept a number of them")
        if every and self.window != 1:
            raise ValueError("window belongs to sampling: kept")
        if self.stride != 1 and self.sampling != "dense":
            raise ValueError("stride belongs to sampling: dense")
        return self
