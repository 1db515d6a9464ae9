"""Weights of a student's loss. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, NonNegativeFloat, PositiveFloat, model_validator

from stages.base.params import Params

Term = Literal["cross_entropy", "distillation", "regression"]


class Distillation(Params):
    """Weights of the loss's terms, and which of them there are."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    terms: list[Term] = Field(default=["cross_entropy", "distillation", "regression"], min_length=1)
    """Terms of the loss; one that is left out needs nothing of a teacher, and its head is not made."""
    share: Annotated[float, Field(ge=0, le=1, alias="lambda")] = 0.4
    """Weight of distillation; that of cross-entropy is the rest to 1."""
    tau: PositiveFloat = 3.0
    """Temperature of both distributions; larger is softer."""
    w: NonNegativeFloat = 1.0
    """Weight of the regression; the paper does not say its own."""

    @model_validator(mode="after")
    def _whole(self) -> Distillation:
        if len(set(self.terms)) < len(self.terms):
            raise ValueError("a term is named twice")
        if "distillation" not in self.terms and self.share != 0:
            raise ValueError("without distillation among the terms, lambda is 0: cross-entropy has all the weight")
        if "cross_entropy" not in self.terms and "distillation" in self.terms and self.share != 1:
            raise ValueError("without cross_entropy among the terms, lambda is 1: distillation has all the weight")
        return self

    @property
    def taught(self) -> bool:
        """A teacher is needed."""
        return self.terms != ["cross_entropy"]
