"""Captions among which `null_constant` chooses what it says, and what a metric chooses of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.text.sentences import Sentences
from stages.text.vectors import as_constants


class Choice(NamedTuple):
    """A caption that a metric chooses."""

    place: int
    """Of the caption, among the candidates."""
    why: str
    """What it gets by the metric on the clips that it was chosen on."""


@dataclass(frozen=True)
class Candidates:
    """N reference captions, and what is known of their clips."""

    texts: Sequence[str]
    """(N,) the captions."""
    labels: Sequence[Sequence[str]]
    """(N,) the labels of their clips."""
    keywords: Mapping[str, Sequence[str]]
    """Class -> its keywords."""
    words: Mapping[str, str]
    """Class -> its words, of the C classes that the clips have, in their order."""
    sentences: Sentences
    """Embeds texts."""

    @property
    def classes(self) -> list[str]:
        """The C classes that the clips have, in their order."""
        return list(self.words)

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """The captions' sentence embeddings, (N, D)."""
        return self.sentences.embed(self.texts)

    @cached_property
    def cosine(self) -> NDArray[np.float64]:
        """How near each caption is to those of all clips, (N,): the mean over the classes of its cosine to them."""
        return as_constants(self.vectors, ["+".join(held) for held in self.labels])
