"""The class list of a data set: made once, by `ingest`, and read by every room that needs to know the classes.

It holds the classes of the usable clips, sorted by name. Everything that is counted, weighed or listed class by class
(logits, target columns, prompts, tables) goes by this order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from pydantic import ValidationError

from stages.base.errors import InputError
from stages.base.params import Params
from stages.base.paths import Run
from stages.base.tables import read_json, write_json
from stages.labels.words import in_words

Labels = Literal["single", "multi"]


class Class(Params):
    """A class of a data set."""

    name: str
    """Its label, as the manifest has it."""
    words: str
    """How prompts, closed answers and the metric `nearest_class` call it."""
    verb: str | None = None
    """Of a compositional label, what is done; null for any other."""
    noun: str | None = None
    """Of a compositional label, what it is done with; null for any other."""


class ClassList(Params):
    """The classes of a data set, sorted by name."""

    labels: Labels
    """single: each clip has one label; multi: several or none."""
    classes: tuple[Class, ...]
    """None where no usable clip has a label."""

    @property
    def many(self) -> bool:
        """A clip may have several labels, or none."""
        return self.labels == "multi"

    @property
    def names(self) -> list[str]:
        """The classes, in order."""
        return [one.name for one in self.classes]

    @property
    def words(self) -> dict[str, str]:
        """Class -> its words, in order."""
        return {one.name: one.words for one in self.classes}

    def among(self, labels: Iterable[Collection[str]], run: Run) -> list[str]:
        """Return the classes that occur among the labels of some clips of a run, in order.

        Raises:
            InputError: a clip has a label that is none of the classes.
        """
        found = {name for held in labels for name in held}
        if unknown := sorted(found - set(self.names)):
            raise InputError(
                f"no such class: {', '.join(unknown)}",
                file=run.classes,
                do="it and the manifest are of different runs of ingest: run `dvc repro`",
            )
        return [name for name in self.names if name in found]


def class_list(
    labels: Iterable[Collection[str]], kind: Labels, pairs: Mapping[str, tuple[str, str]] | None = None
) -> ClassList:
    """Return the class list of a data set, from the labels of its usable clips.

    `pairs` has the verb and the noun of each label that is made of the two.
    """
    classes = []
    for name in sorted({name for held in labels for name in held}):
        verb, noun = (pairs or {}).get(name, (None, None))
        classes.append(Class(name=name, words=in_words(name), verb=verb, noun=noun))
    return ClassList(labels=kind, classes=tuple(classes))


def write_classes(run: Run, classes: ClassList) -> None:
    """Write a run's class list."""
    write_json(run.classes, classes.model_dump(mode="json"))


def read_classes(run: Run) -> ClassList:
    """Return a run's class list.

    Raises:
        InputError: there is no such file, or it is no class list.
    """
    value = read_json(run.classes)
    try:
        classes = ClassList.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"no class list: {first['msg']}", file=run.classes, key=key or None, do="run the stage ingest again"
        ) from None
    if classes.names != sorted(set(classes.names)):
        raise InputError("the classes are not sorted, each once", file=run.classes, do="run the stage ingest again")
    return classes
