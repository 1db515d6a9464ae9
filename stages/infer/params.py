"""Params of `infer`: which clips are asked about, and how."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from stages.base.params import Declared, Params
from stages.vlm.params import VlmParams


class InferParams(Params):
    """Block `infer.<dataset>`."""

    labels: Literal["single", "multi"]
    """single: each clip has one label, and closed answers end in one; multi: several or none."""
    parts: list[Literal["train", "validation", "test"]]
    """Clips that are in one of these parts of any protocol are asked about; empty: all clips."""


class Describe(Params):
    """A free caption."""

    kind: Literal["describe"]
    """describe: the answer is free text and names no class by itself."""
    prompt: str
    """File in stages/infer/prompts, without .txt."""


class Choose(Params):
    """One question that lists all classes."""

    kind: Literal["list"]
    """list: one question that lists all classes; the answer is mapped to those it names."""
    prompt: str
    """File in stages/infer/prompts, without .txt."""
    weigh: bool
    """Weigh every class's words as the answer, where the back end can: class scores. The answer is what is written."""


class PerClass(Params):
    """A yes/no question for each class."""

    kind: Literal["per_class"]
    """per_class: a yes/no question for each class; p(yes) is its score where the back end gives it."""
    prompt: str
    """File in stages/infer/prompts, without .txt."""


class Judge(Params):
    """A free caption, which a text model judges."""

    kind: Literal["judge"]
    """judge: a caption, then a yes/no question for each class to a text model that sees the caption alone."""
    prompt: str
    """File in stages/infer/prompts that asks for the caption: name the one of a describe strategy to share answers."""
    question: str
    """File in stages/infer/prompts that asks the text model."""
    text_model: VlmParams | None
    """Block of the text model, as those under `vlm`; null: the model judges its own captions."""


class AsPublished(Params):
    """No question: a recorded model's published answers, as they are. The method is called as the model is."""

    kind: Literal["published"]
    """published: what the recorded model's file says of each clip."""


Strategy = Annotated[AsPublished | Describe | Choose | PerClass | Judge, Field(discriminator="kind")]

PARAMS: Declared = {"infer.{dataset}": InferParams, "strategies.{strategy}": Strategy, "vlm.{model}": VlmParams}
