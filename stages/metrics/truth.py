"""What is true of a rendered clip, for the metrics that hold answers against it. No model wrote that.

A reference caption that the measured model itself wrote shares its errors. The simulator knows verb, object and place
of every clip, so that answers, and the references themselves (method `references`), can be held against those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stages.text.keywords import has_word


class Truth(NamedTuple):
    """What a clip shows, in the columns of table TRUTH."""

    phrase: str
    verb: str
    object: str | None
    place: str

    @property
    def words(self) -> list[str]:
        """Verb and, where there is one, object."""
        return [self.verb, *([self.object] if self.object else [])]


def template(truth: Truth) -> str:
    """Return a caption made from the truth.

    Such as "The person is drinking from a cup on the sofa."; a place that the phrase tells already is left out.
    """
    place = truth.place.split()[-1][:4]  # door stands in doorway
    return f"The person is {truth.phrase}{'' if place in truth.phrase else ' ' + truth.place}."


def foreign(truth: Truth, vocabulary: Sequence[str]) -> list[str]:
    """Return the verbs and objects of a data set that a clip does not have: not in its own words, phrase or place."""
    own = " ".join([*truth.words, truth.phrase, truth.place])
    return [word for word in vocabulary if not has_word(own, [word])]
