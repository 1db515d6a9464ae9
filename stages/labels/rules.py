"""Rules between the labels of one clip: which must come with which, and which exclude each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from stages.base.params import Params


class Breach(NamedTuple):
    """A broken rule."""

    rule: str
    """In words, such as `ventilation without baby_visible`."""
    labels: tuple[str, ...]
    """Those of the set that break it."""


class Rules(Params):
    """What a set of labels must keep; an empty set keeps everything."""

    requires: dict[str, list[str]]
    """A label -> those without which it cannot be."""
    excludes: list[tuple[str, str]]
    """Pairs that never hold at once."""

    def broken(self, labels: Collection[str]) -> Iterator[Breach]:
        """Yield each rule that a set of labels breaks."""
        for label in sorted(self.requires):
            if label in labels:
                lacking = (other for other in self.requires[label] if other not in labels)
                yield from (Breach(f"{label} without {other}", (label,)) for other in lacking)
        for one, other in self.excludes:
            if one in labels and other in labels:
                yield Breach(f"{one} with {other}", (one, other))

    @property
    def names(self) -> set[str]:
        """The labels that the rules speak of."""
        pairs = [*self.excludes, *((label, other) for label, others in self.requires.items() for other in others)]
        return {label for pair in pairs for label in pair}
