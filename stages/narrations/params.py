"""Params of `narrations`: which narrations teach and test, and how."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stages.base.params import Declared, Params
from stages.learn.params import Recipe
from stages.text.encode import Pooling, Precision


class NarrationsParams(Params):
    """Block `narrations.<name>`."""

    folder: str
    """Of the published CSV files."""
    train: dict[str, list[str]] = Field(min_length=1)
    """Teacher -> files of narrations that it is taught on."""
    test: str
    """File of narrations to name, with participant_id."""
    encoder: str
    """Name or path, see stages/text/model.py."""
    pooling: Pooling = "sentence"
    """Which of its vectors the heads see."""
    precision: Precision = "float32"
    """What embeddings are computed in."""
    recipe: Recipe
    """How the heads learn."""
    nearest: dict[str, list[str]] = Field(default_factory=dict)
    """verb and noun -> classes whose nearest ones are shown."""
    shown: Annotated[int, Field(ge=1)] = 5
    """Nearest classes of each."""
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Of the intervals, over participants."""
    assumed_icc: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Correlation of a participant's narrations where nothing can be estimated."""


PARAMS: Declared = {"narrations.{name}": NarrationsParams}
