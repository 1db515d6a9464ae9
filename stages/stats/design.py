"""Which class and which subject each scored clip belongs to: all that an interval must know of a test part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Cells(NamedTuple):
    """A quantity of each clip, summed over the clips of each class (axis C) and subject (axis S)."""

    clips: Floats
    """(C, S): clips."""
    total: Floats
    """(..., C, S): sum of the quantity; leading axes hold replicates of a simulation."""
    square: Floats
    """(..., C): sum of its squares."""


@dataclass(frozen=True)
class Design:
    """N scored clips of C classes and S subjects (the clusters); a class or subject without clip is not in it."""

    classes: tuple[str, ...]
    subjects: tuple[str, ...]
    of_class: Ints
    """(N,): index into `classes`."""
    of_subject: Ints
    """(N,): index into `subjects`."""

    @classmethod
    def of(cls, labels: Sequence[str], subjects: Sequence[str]) -> Design:
        """Return the design of clips with these classes and subjects, N each."""
        classes, of_class = _coded(labels)
        clusters, of_subject = _coded(subjects)
        return cls(classes, clusters, of_class, of_subject)

    @property
    def clips(self) -> Ints:
        """(C,): clips of each class."""
        return np.bincount(self.of_class, minlength=len(self.classes))

    def only(self, kept: Mask) -> Design:
        """Return the design of some of the clips; `kept` is (N,)."""
        if kept.all():
            return self
        classes, of_class = np.unique(self.of_class[kept], return_inverse=True)
        subjects, of_subject = np.unique(self.of_subject[kept], return_inverse=True)
        return Design(
            tuple(self.classes[index] for index in classes),
            tuple(self.subjects[index] for index in subjects),
            of_class,
            of_subject,
        )

    def cells(self, quantity: Floats) -> Cells:
        """Return the sums of a quantity, (N,), over classes and subjects."""
        shape = (len(self.classes), len(self.subjects))
        cell = self.of_class * shape[1] + self.of_subject
        size = shape[0] * shape[1]
        clips = np.bincount(cell, minlength=size).reshape(shape).astype(np.float64)
        total = np.bincount(cell, weights=quantity, minlength=size).reshape(shape).astype(np.float64)
        square = np.bincount(self.of_class, weights=quantity**2, minlength=shape[0]).astype(np.float64)
        return Cells(clips, total, square)


def _coded(names: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    """Return the different names, sorted, and the place of each (N,) among them.

    It is numpy's `unique` of them as texts, which takes four bytes a character and sorts all N.
    """
    distinct = {name: str(name) for name in set(names)}
    found = tuple(sorted(set(distinct.values())))
    index = {name: place for place, name in enumerate(found)}
    place = {name: index[text] for name, text in distinct.items()}
    return found, np.fromiter((place[name] for name in names), np.int64, len(names))


def class_weights(cells: Cells, number: str) -> Floats:
    """Return each class's weight (C,) in mca, 1 / C, or in accuracy, its share of the clips."""
    clips = cells.clips.sum(1)
    return np.full(len(clips), 1 / len(clips)) if number == "mca" else clips / clips.sum()
