"""Params of `teach`: what teaches, and how it learnt."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from stages.base.params import Declared, Params
from stages.learn.params import Recipe
from stages.nets.trained import TrainRecipe
from stages.teachers.heads import Kind
from stages.text.encode import Pooling, Precision


class Texts(Params):
    """A frozen sentence encoder with linear heads that learn to name the class of a text."""

    encoder: str
    """Name or path, see stages/text/model.py."""
    revision: str | None = None
    """Commit of a hub's encoder."""
    pooling: Pooling = "sentence"
    """Which of its vectors heads and students see: its own of a sentence, the mean over tokens, the first token's."""
    precision: Precision = "float32"
    """What embeddings are computed in."""
    recipe: Recipe
    """How the heads learn."""
    nearest: dict[str, list[str]] = Field(default_factory=dict)
    """Head -> classes whose nearest ones are shown."""
    shown: Annotated[int, Field(ge=1)] = 5
    """Nearest classes of each."""
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Of the intervals, over subjects."""
    assumed_icc: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Correlation of a subject's texts where nothing can be estimated."""


class Language(Texts):
    """A teacher of texts about the clips."""

    teacher: Literal["language"]
    heads: Kind = "label"
    """label: one head; verb_noun: one of verbs and one of nouns."""
    by: Literal["narration", "label"] = "narration"
    """What it reads: a clip's narration, or its label in words."""


class Narrations(Texts):
    """A teacher of verbs and nouns on published lists of narrations, whose clips nobody needs to have."""

    teacher: Literal["narrations"]
    train: list[str] = Field(min_length=1)
    """Files of narrations that it learns from, in the record's `texts`."""
    test: str
    """File of narrations that it names, with participant_id."""


class Video(TrainRecipe):
    """A trained video model, asked about the train part."""

    teacher: Literal["video"]
    heads: Kind = "label"
    """As it was trained."""
    embedding: bool = True
    """Also tell what its head sees, for students to regress."""


PARAMS: Declared = {"recipes.{recipe}": Annotated[Language | Narrations | Video, Field(discriminator="teacher")]}
