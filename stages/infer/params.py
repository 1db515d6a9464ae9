"""Params of `infer`: which clips are asked about, and how."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from stages.base.errors import ERRORS
from stages.base.params import Declared, Params
from stages.vlm.params import VlmParams


class InferParams(Params):
    """Block `infer.<dataset>`."""

    parts: list[Literal["train", "validation", "test"]]
    """Clips that are in one of these parts of any protocol are asked about; empty: all clips."""
    errors: Annotated[float, Field(ge=0, le=1)] = ERRORS
    """Share of the clips that may be errors; with more the cell fails, and the journal keeps what succeeded."""
    limit: PositiveInt | None = None
    """Ask about this many of them only, evenly of each class; a larger number contains a smaller. Null: all."""


class Examples(Params):
    """Clips that a model is shown with their answers before the question (few-shot)."""

    protocol: str
    """The protocol whose train part they come from; none that any protocol tests."""
    per_class: PositiveInt | None = None
    """This many of each class, chosen by hash; for closed questions, whose answers the labels say."""
    clips: list[str] | dict[str, str] | None = None
    """Or these: a list, or clip -> its answer, which a free description needs."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Examples:
        if (self.per_class is None) == (self.clips is None):
            raise ValueError("give per_class or clips")
        return self


class Asked(Params):
    """What every question may have before it."""

    system: str | None = None
    """File in stages/infer/prompts, without .txt: the system's turn; it opens the user's where a model has none."""
    examples: Examples | None = None
    """Clips with their answers, as turns before the question; null for none."""
    text_first: bool = False
    """The question stands before what is shown, as in "VLMs for Newborn Resuscitation"; else behind it."""


class Describe(Asked):
    """A free caption."""

    kind: Literal["describe"]
    """describe: the answer is free text and names no class by itself."""
    prompt: str
    """File in stages/infer/prompts, without .txt."""

    @model_validator(mode="after")
    def _examples_have_answers(self) -> Describe:
        if self.examples and not isinstance(self.examples.clips, dict):
            raise ValueError("a description is no label: give the examples as clips: {clip: its answer}")
        return self


class Choose(Asked):
    """One question that lists all classes."""

    kind: Literal["list"]
    """list: one question that lists all classes; the answer is mapped to those it names."""
    prompt: str
    """File in stages/infer/prompts, without .txt."""
    weigh: bool
    """Weigh every class's words as the answer, where the back end can: class scores. The answer is what is written."""


class PerClass(Asked):
    """A yes/no question for each class."""

    kind: Literal["per_class"]
    """per_class: a yes/no question for each class; p(yes) is its score where the back end gives it."""
    prompt: str
    """File in stages/infer/prompts, without .txt."""


class Judge(Asked):
    """A free caption, which a text model judges."""

    kind: Literal["judge"]
    """judge: a caption, then a yes/no question for each class to a text model that sees the caption alone."""
    prompt: str
    """File in stages/infer/prompts that asks for the caption: name the one of a describe strategy to share answers."""
    question: str
    """File in stages/infer/prompts that asks the text model."""
    text_model: VlmParams | None
    """Block of the text model, as those under `vlm`; null: the model judges its own captions."""

    @model_validator(mode="after")
    def _examples_have_answers(self) -> Judge:
        if self.examples and not isinstance(self.examples.clips, dict):
            raise ValueError("a description is no label: give the examples as clips: {clip: its answer}")
        return self


class AsPublished(Params):
    """No question: a recorded model's published answers, as they are."""

    kind: Literal["published"]
    """published: what the recorded model's file says of each clip."""


Strategy = Annotated[AsPublished | Describe | Choose | PerClass | Judge, Field(discriminator="kind")]

PARAMS: Declared = {"infer.{dataset}": InferParams, "strategies.{strategy}": Strategy, "vlm.{model}": VlmParams}
