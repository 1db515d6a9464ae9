"""Params of `model`: the file of params/models that names it."""

from __future__ import annotations

from stages.base.params import Declared
from stages.vlm.params import VlmParams

PARAMS: Declared = {"vlm.{model}": VlmParams}
