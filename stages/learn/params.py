"""How something is learnt: one block, the same for every model that trains."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator, model_validator

from stages.base.params import Params

Share = Annotated[float, Field(ge=0, le=1)]
Range = tuple[PositiveFloat, PositiveFloat]


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


class Augmentation(Params):
    """Changes that a clip undergoes in training, drawn anew each epoch; the same for every frame of a clip."""

    crop: Range = (1.0, 1.0)
    """Least and largest share of the frame's area that is cut out and brought to size; 1, 1: the whole frame."""
    ratio: Range = (1.0, 1.0)
    """Least and largest change of the aspect of what is cut out."""
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
    jitter: bool = False
    """Draw each frame from anywhere in its part of the clip instead of the part's middle."""

    @field_validator("crop", "ratio")
    @classmethod
    def _ordered(cls, span: Range) -> Range:
        if span[0] > span[1]:
            raise ValueError("the smaller comes first")
        return span

    @field_validator("crop")
    @classmethod
    def _within(cls, span: Range) -> Range:
        if span[1] > 1:
            raise ValueError("no more than the whole frame, 1")
        return span


class Views(Params):
    """Several looks at a clip at test time, whose scores are averaged."""

    times: PositiveInt = 1
    """Looks spread over the clip in time."""
    places: Literal[1, 3] = 1
    """1: the centre; 3: also both ends of the frame's longer side."""
    crop: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the frame's sides that a look sees; 3 places need less than 1."""


class Pixels(Params):
    """Which frames of a clip a model sees, and how large."""

    frames: PositiveInt
    """Frames of a look."""
    window: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the clip over which a look's frames are spread evenly; below 1, training looks at a random place."""
    size: tuple[PositiveInt, PositiveInt]
    """Width and height of what the model sees, pixels."""
    kept: PositiveInt
    """Frames of a clip that are decoded once and kept, evenly spread; a look picks among them."""
    kept_size: tuple[PositiveInt, PositiveInt]
    """Width and height at which they are kept; larger than `size` where crops shall stay sharp."""
    fit: Literal["stretch", "cover"] = "cover"
    """How a frame comes to `kept_size`: stretched, or scaled to cover it and cut at the centre."""
