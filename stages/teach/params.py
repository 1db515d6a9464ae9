"""Params of `teach`: what teaches, and on which protocol's train part."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from stages.base.params import Declared, Params
from stages.learn.params import Recipe
from stages.nets.trained import TrainParams
from stages.teachers.heads import Kind
from stages.text.encode import Pooling, Precision


class Language(Params):
    """A frozen sentence encoder with linear heads that learn to name the class of a text."""

    kind: Literal["language"]
    protocol: str
    """Whose train part it is taught on, and teaches."""
    heads: Kind = "label"
    """label: one head; verb_noun: one of verbs and one of nouns."""
    by: Literal["narration", "label"] = "narration"
    """What it reads: a clip's narration, or its label in words."""
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


class Video(TrainParams):
    """A trained video model, asked about the train part."""

    kind: Literal["video"]
    heads: Kind = "label"
    """As it was trained."""
    embedding: bool = True
    """Also tell what its head sees, for students to regress."""


PARAMS: Declared = {"teach.{dataset}.{name}": Annotated[Language | Video, Field(discriminator="kind")]}
