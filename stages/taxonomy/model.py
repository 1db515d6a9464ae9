"""What a taxonomy says: source label -> class -> sentences."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

from pydantic import Field

from stages.base.errors import InputError
from stages.base.params import Params

FILE = Path(__file__).parent / "interactions.yaml"
#: What a data set may have next to its lists, to add labels and classes of its own.
OWN = "taxonomy.yaml"


class Taxonomy(Params):
    """A taxonomy file's content."""

    version: int = Field(ge=1)
    """Raised whenever a label moves to another class or a sentence changes."""
    sources: dict[str, dict[str, str]]
    """Data set -> its own label -> class."""
    open: dict[str, str] = Field(default_factory=dict)
    """Data sets of which no public text gives the labels, and why; nobody may list them under `sources` too."""
    classes: dict[str, list[str]]
    """Class -> sentences that describe it."""

    def labels_of(self, source: str) -> dict[str, str]:
        """Return a data set's own labels, each with its class.

        Raises:
            InputError: it is not there, or its labels are open.
        """
        if source not in self.sources:
            why = self.open.get(source)
            raise InputError(
                f"the labels of {source} are open: {why}" if why else f"no data set {source!r}",
                file=FILE,
                key="sources",
                do=f"add them in {OWN}, next to its lists" if why else f"there are {', '.join(sorted(self.sources))}",
            )
        return self.sources[source]

    def classes_of(self, source: str) -> frozenset[str]:
        """Return the classes that a data set has."""
        return frozenset(self.labels_of(source).values())

    def unified(self, source: str, label: str) -> str:
        """Return the class of a data set's own label.

        Raises:
            InputError: the data set has no such label.
        """
        labels = self.labels_of(source)
        if label not in labels:
            raise InputError(
                f"{source} has no label {label!r}",
                file=FILE,
                key=f"sources.{source}",
                do=f"it has {', '.join(labels)}; a new one is a line there",
            )
        return labels[label]

    def sentence(self, name: str, clip_id: str, seed: int = 0) -> str:
        """Return the sentence of a class that tells a clip: chosen by a seeded hash of the clip's id."""
        drawn = hashlib.blake2b(f"{seed} {clip_id}".encode(), digest_size=8).digest()
        said = self.classes[name]
        return said[int.from_bytes(drawn, "big") % len(said)]

    def narration(self, names: Collection[str], clip_id: str) -> str | None:
        """Return what tells a clip: a sentence of each of its classes, by name; None of a clip that has none."""
        return " ".join(self.sentence(name, clip_id) for name in sorted(names)) or None
