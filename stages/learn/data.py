"""Clips of a protocol's parts with their labels: class order, target matrix, folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import MANIFEST, SPLITS
from stages.base.tables import read_table
from stages.labels.classes import Labels, read_classes

if TYPE_CHECKING:
    import torch


class Clip(NamedTuple):
    """A usable clip of the manifest."""

    clip_id: str
    path: Path
    md5: str
    frames: int
    labels: tuple[str, ...]
    narration: str | None = None
    verb: str | None = None
    noun: str | None = None


class Fold(NamedTuple):
    """A protocol's parts; `name` is what a leave-one-out protocol holds out, empty elsewhere. Parts may be empty."""

    name: str
    train: list[Clip]
    validation: list[Clip]
    test: list[Clip]


class Task(NamedTuple):
    """What is to be learnt on one protocol of a data set."""

    protocol: str
    classes: list[str]
    """In the data set's order, that of logits and target columns. All that occur among the protocol's clips."""
    many: bool
    """A clip may have several labels, or none."""
    folds: list[Fold]

    @property
    def labels(self) -> Labels:
        """What kind of labels the clips have, as params and journal keys call it."""
        return "multi" if self.many else "single"


def read_task(run: Run, protocol: str, named: bool = True) -> Task:
    """Return a protocol's clips, usable ones only, by fold and sorted by id.

    `named` says whether classes are learnt; where it is false (captions are), clips may have any labels or none.

    Raises:
        InputError: no such protocol, a fold without train or test clips, or, of a single-label data set whose
            classes are learnt, a clip that has several or none.
    """
    listed = read_classes(run)
    many = listed.many or not named
    manifest = read_table(run.manifest, MANIFEST).filter(pl.col("error").is_null() & pl.col("path").is_not_null())
    clips = {
        row["clip_id"]: Clip(
            row["clip_id"],
            Path(row["path"]),
            row["md5"],
            row["frames"],
            tuple(row["labels"]),
            row["narration"],
            row["verb"],
            row["noun"],
        )
        for row in manifest.iter_rows(named=True)
    }
    splits = read_table(run.splits, SPLITS)
    rows = splits.filter(pl.col("protocol") == protocol).filter(pl.col("clip_id").is_in(list(clips)))
    if not len(rows):
        known = ", ".join(sorted(splits["protocol"].unique())) or "none"
        raise InputError(
            "no such protocol, or no usable clip in it", file=run.splits, key=protocol, do=f"name one of: {known}"
        )
    folds = []
    for (name,), of_fold in rows.sort("fold", "clip_id").group_by("fold", maintain_order=True):
        parts = {
            part: [clips[one] for one in of_fold.filter(pl.col("part") == part)["clip_id"]]
            for part in ("train", "validation", "test")
        }
        for part in ("train", "test"):
            if not parts[part]:
                raise InputError(
                    f"no usable clip in part {part} of fold {name!r}",
                    file=run.splits,
                    key=protocol,
                    do="choose another protocol, or add clips",
                )
        folds.append(Fold(str(name), **parts))
    used = sorted({clip for fold in folds for part in fold[1:] for clip in part})
    odd = next((clip for clip in used if not many and len(clip.labels) != 1), None)
    if odd is not None:
        raise InputError(
            f"has the labels {list(odd.labels)}, expected one",
            file=run.manifest,
            row=odd.clip_id,
            do=f"say labels: multi in ingest.{run.name}, or leave the clip out",
        )
    classes = listed.among((clip.labels for clip in used), run)
    if len(classes) < (1 if many else 2):
        raise InputError(
            f"{len(classes)} classes are nothing to learn",
            file=run.splits,
            key=protocol,
            do="choose a labelled data set",
        )
    return Task(protocol, classes, many, folds)


def targets(clips: Sequence[Clip], classes: Sequence[str], many: bool) -> torch.Tensor:
    """Return the target of each clip: (N,) int64, its class; with several labels (N, C) float32 of 1 and 0."""
    import torch  # takes seconds, which the processes that decode need not pay

    place = {name: index for index, name in enumerate(classes)}
    if not many:
        return torch.tensor([place[clip.labels[0]] for clip in clips], dtype=torch.int64)
    matrix = torch.zeros(len(clips), len(classes))
    for row, clip in enumerate(clips):
        matrix[row, [place[label] for label in clip.labels]] = 1.0
    return matrix


def warnings(task: Task) -> list[str]:
    """Return in words what of a task bounds what can be learnt: rare classes, no validation part."""
    said = []
    for fold in task.folds:
        at = f"fold {fold.name}: " if fold.name else ""
        counts = Counter(label for clip in fold.train for label in clip.labels)
        tested = {label for clip in fold.test for label in clip.labels}
        absent = sorted(tested - set(counts))
        if absent:
            said.append(f"{at}no train clip of {', '.join(absent)}: its test clips cannot be right")
        rare = sorted(name for name, count in counts.items() if count == 1)
        if rare:
            said.append(f"{at}one train clip of {', '.join(rare)}")
    if not all(fold.validation for fold in task.folds):
        said.append("no validation part: no early stop, the last epoch's weights are kept")
    return said


def shown(names: Iterable[str]) -> str:
    """Return up to five names for a message."""
    listed = list(names)
    return ", ".join(listed[:5]) + (" ..." if len(listed) > 5 else "")
