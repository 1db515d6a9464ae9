"""Params of `model`: the file of params/models that names it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stages.base.params import Declared
from stages.encoders.params import EncoderParams
from stages.vlm.params import ApiParams, LocalParams, RecordedParams, VllmModelParams

AnyModel = Annotated[
    LocalParams | VllmModelParams | ApiParams | RecordedParams | EncoderParams, Field(discriminator="backend")
]

PARAMS: Declared = {"vlm.{model}": AnyModel}
