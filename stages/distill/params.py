"""Params of `distill`: a trained video model's, its teachers, and the loss."""

from __future__ import annotations

from pydantic import Field, model_validator

from stages.base.params import Declared
from stages.nets.trained import TrainParams
from stages.teachers.heads import Kind
from stages.teachers.mixing import Mix
from stages.teachers.params import Distillation


class DistillParams(TrainParams):
    """Block `distill.<dataset>.<method>`."""

    heads: Kind = "label"
    """label: one head of labels; verb_noun: one of verbs and one of nouns, whose scores multiply."""
    teachers: list[str] = Field(default_factory=list)
    """Folders of teachers, such as data/kitchen/models/minilm; none for cross-entropy alone."""
    mix: Mix = "mean"
    """How several teachers are weighed: all alike, or by the softmin of their losses, a sample's or the set's."""
    distillation: Distillation = Field(default_factory=Distillation)
    """The loss."""

    @model_validator(mode="after")
    def _taught(self) -> DistillParams:
        if self.labels != "single":
            raise ValueError("distillation is of single labels: say labels: single")
        if self.distillation.taught != bool(self.teachers):
            raise ValueError("teachers are what distillation and regression need; cross_entropy alone needs none")
        return self


PARAMS: Declared = {"distill.{dataset}.{method}": DistillParams}
