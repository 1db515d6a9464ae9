"""Params of `streams`: the file in params/models that says who finds people and how."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from stages.base.params import Declared, Params
from stages.vlm.params import About


class TruthParams(Params):
    """The benchmark's own masks, from the table that `simulate` wrote: what better streams would bring."""

    backend: Literal["truth"]
    """truth: the record's slot `truth`, a table of the people in each clip."""
    pair: Literal["known", "rule"] = "known"
    """Who chooses the two who interact: the table, as the paper's clicks by hand do, or the rule of all back ends."""


class OpenCVParams(Params):
    """People by what differs from a still camera's background, followed by motion and colour; on a CPU, no weights."""

    backend: Literal["opencv"]
    """opencv: background by the median over time, Hungarian assignment."""
    side: int = Field(320, ge=64, le=1024)
    """Frames are looked at with the longer side at most this many pixels; masks are scaled back."""
    threshold: int = Field(24, ge=1, le=255)
    """A pixel is of a person where its colour is further than this from the background's (L + 2a + 2b, 8-bit Lab)."""
    plain: Annotated[float, Field(ge=0, le=1)] = 0.45
    """Who stands still all the time is found by colour where the ground is of one colour: at most this share of the
    background may differ from it. 0 never looks for them."""
    least: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Smaller things than this share of the frame are nobody."""
    clips: int = Field(0, ge=0)
    """The background is of at most so many clips that a still camera of the same number and size filmed, where they
    show the same view: who stands still in one clip then differs from it. 0: of the clip itself."""
    memory: int = Field(90, ge=0)
    """Frames for which somebody who left is known again by their colours."""


class DetectorParams(Params):
    """A detector of transformers, which finds people on one frame."""

    name: str
    """Hub name (owner/model) or the path of a folder."""
    revision: str | None
    """Hub commit; null for a path, whose files are hashed."""
    label: str = "person"
    """The class of its config that is a person."""
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Least score of a person."""


class VideoParams(Params):
    """A segmenter of transformers that follows what boxes on one frame show, forwards and backwards."""

    backend: Literal["sam2"]
    """sam2: SAM 2, EdgeTAM, or the tracker of SAM 3, whichever the model's config names."""
    name: str
    """Hub name (owner/model) or the path of a folder."""
    revision: str | None
    """Hub commit; null for a path, whose files are hashed."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Numbers that the segmenter computes with."""
    detector: DetectorParams
    """Who finds the boxes."""
    looks: int = Field(8, ge=1)
    """Frames, spread evenly, on which people are looked for; the one with most of them prompts the segmenter."""
    frames: int = Field(900, ge=1)
    """A longer clip is an error: its frames are held in memory, about 1.7 MB each at 1,024 x 576."""
    people: int = Field(8, ge=1)
    """At most so many are followed, those of the highest score."""
    about: About | None = None
    """What people must know of the weights, the detector's too, before they run them. It shapes no result."""


class BlazePoseParams(Params):
    """BlazePose's detector and its landmarks with a mask; on a CPU, any camera."""

    backend: Literal["blazepose"]
    """blazepose: both nets of MediaPipe, run by LiteRT."""
    folder: str
    """Where `make blazepose` put the weights."""
    landmarks: Literal["lite", "full", "heavy"] = "full"
    """Which of the nets of landmarks; the package that is fetched has the full one."""
    side: int = Field(640, ge=64)
    """Frames are looked at with the longer side at most this many pixels; masks are scaled back."""
    sees: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Least score of the detector."""
    sure: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """How surely a pose must be a person's."""
    memory: int = Field(90, ge=0)
    """Frames for which somebody who was lost is known again by their colours."""
    people: int = Field(8, ge=1)
    """At most so many are followed."""
    about: About | None = None
    """What people must know of the weights before they run them. It shapes no result."""


FinderParams = Annotated[TruthParams | OpenCVParams | VideoParams | BlazePoseParams, Field(discriminator="backend")]

PARAMS: Declared = {"vlm.{model}": FinderParams}
