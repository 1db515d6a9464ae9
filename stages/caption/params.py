"""Params of `caption`."""

from __future__ import annotations

from pydantic import PositiveInt

from stages.base.params import Declared, Params
from stages.vlm.params import VlmParams


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


PARAMS: Declared = {"caption.{dataset}": CaptionParams, "vlm.{model}": VlmParams}
