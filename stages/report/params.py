"""Params of the report page."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stages.base.params import Declared, Params


class ReportParams(Params):
    """Block `report.{dataset}`."""

    title: str
    """Heading of the page."""
    about: str
    """What was done, in a few sentences; blank lines separate paragraphs."""
    names: dict[str, str] = Field(default_factory=dict)
    """How rows of a paper that nothing here makes are called on the page; their own names where none is given."""
    protocols: list[str] = Field(min_length=1)
    """Protocols that come first; the page opens with the first of them, the others follow by name."""
    metrics: list[str] = Field(min_length=1)
    """Metrics that come first; the gallery opens with the first of them, the others follow by name."""
    examples_per_class: int | None = Field(ge=1)
    """Most clips of a class in the gallery; null takes all."""
    images: Literal["never", "unless_licensed", "always"]
    """Whether frames are shown: `unless_licensed` leaves out those of a data set that `ingest` marks as licensed."""
    thumbnails_per_class: int = Field(ge=0)
    """Clips of a class that are shown with their keyframes."""
    thumbnail_width: int = Field(ge=32, le=640)
    """Width of a keyframe on the page, pixels; a picture of a class is at most twice as wide."""


PARAMS: Declared = {
    "report.{dataset}": ReportParams,
    "ingest.{dataset}.licensed": bool,
    "score.{dataset}.thresholds": dict[str, float],
    "score.{dataset}.confidence": float,
}
