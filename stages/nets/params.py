"""Which video model, of what size, from which weights."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from stages.base.params import Params

Channels = tuple[float, float, float]


class Net(Params):
    """A video model."""

    architecture: Literal["timesformer", "videomae", "vivit", "swin3d", "r2plus1d"]
    """TimeSformer (Bertasius et al. 2021), VideoMAE (Tong et al. 2022), ViViT (Arnab et al. 2021), from transformers;
    Video Swin (Liu et al. 2022), from torchvision; R(2+1)D (Tran et al. 2018), convolutions of any width."""
    weights: str | None = None
    """Where it starts: null (random), a path, or a hub name; for swin3d also `torchvision/KINETICS400_V1`."""
    revision: str | None = None
    """A hub name's commit, 40 hex digits; null for a path."""
    head: Literal["keep", "remake"] = "keep"
    """keep: the checkpoint's classes must be these, in any order; remake: a new head, whatever the classes were."""
    stem: Literal["patches", "convolutions", "motion"] = "patches"
    """How pixels become tokens: by a linear map of each patch; by a pile of convolutions (Xiao et al. 2021), which
    learn from few clips; motion: by convolutions that also see each frame's difference to the clip's mean (TSN's RGB
    difference), for a camera that stands still. A checkpoint says which one it has."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Fields of the architecture's config that differ from its own (of swin3d: torchvision's arguments; of r2plus1d:
    channels, over_time, dropout)."""
    mean: Channels | None = None
    """Of each channel, values 0 to 1; null: the checkpoint's image processor's, 0.5 for random weights."""
    std: Channels | None = None
    """Of each channel; null: the checkpoint's image processor's, 0.25 for random weights."""

    @model_validator(mode="after")
    def _fits(self) -> Net:
        if self.weights is None and self.revision is not None:
            raise ValueError("revision is a checkpoint's: name its weights")
        if self.architecture == "r2plus1d" and self.weights is None and self.stem == "patches":
            raise ValueError("r2plus1d has no patches: say stem: convolutions or motion")
        return self
