"""Params of the null models."""

from __future__ import annotations

from pydantic import Field

from stages.base.params import Declared, Params
from stages.text.encode import Precision


class NullParams(Params):
    """Block `nulls.<dataset>`."""

    models: list[str] = Field(min_length=1)
    """Methods whose answers `null_shuffled` exchanges; each repeat takes the next of them in turn."""
    repeats: int = Field(ge=1)
    """How many exchanges `null_shuffled` draws."""
    seed: int
    """Seed of the exchanges."""
    encoder: str | None
    """Sentence encoder that finds the caption of `null_constant`; null where clips have several labels or none,
    or where no method answers in words: null models name classes then, and say no sentences."""
    precision: Precision = "float32"
    """What the encoder computes in; see `measure.<dataset>.precision`."""


PARAMS: Declared = {"nulls.{dataset}": NullParams}
