"""Params of `caption`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt

from stages.base.errors import ERRORS
from stages.base.params import Declared, Params
from stages.vlm.params import MaybeVlmParams


class CaptionParams(Params):
    """Block `caption.<dataset>`."""

    attempts: PositiveInt
    """Most questions about a clip; the last one constrains decoding, where the back end can."""
    ask: str
    """File in stages/caption/prompts, without .txt: the first question."""
    insist: str
    """The stronger prompt of the further attempts."""
    gate: bool
    """Fail where a caption holds no keyword of its class; false, for captions that are given, counts them only."""
    errors: Annotated[float, Field(ge=0, le=1)] = ERRORS
    """Share of the clips that may be errors; with more the cell fails, and the journal keeps what succeeded."""


PARAMS: Declared = {"caption.{dataset}": CaptionParams | None, "vlm.{model}": MaybeVlmParams}
