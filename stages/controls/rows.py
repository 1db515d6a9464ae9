"""The rows of controls.csv."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from stages.controls.judge import mean_class_accuracy, named
from stages.controls.look import Floats, Tower, look, read_truths
from stages.controls.params import ControlsParams
from stages.core.errors import InputError
from stages.core.paths import Run
from stages.core.schema import MANIFEST, SPLITS
from stages.core.tables import read_table
from stages.stats.intervals import Level


class Clip(NamedTuple):
    """A clip of the protocol's train or test part."""

    clip_id: str
    path: str
    label: str
    subject: str
    train: bool


def task(run: Run, params: ControlsParams) -> list[Clip]:
    """Return the protocol's usable clips of one label, sorted; validation clips are left aside.

    Raises:
        InputError: the protocol or a pair's class is not there.
    """
    splits = read_table(run.splits, SPLITS).filter(pl.col("protocol") == params.protocol)
    if not len(splits):
        raise InputError(f"no protocol {params.protocol}", file=run.splits, key=f"controls.{run.name}.protocol",
                         do="name one of those under ingest")  # fmt: skip
    parts = splits.filter(pl.col("part") != "validation").select("clip_id", "part")
    usable = read_table(run.manifest, MANIFEST).filter(pl.col("error").is_null() & (pl.col("labels").list.len() == 1))
    joined = usable.join(parts, on="clip_id").sort("clip_id")
    clips = [
        Clip(row["clip_id"], row["path"], row["labels"][0], row["subject"], row["part"] == "train")
        for row in joined.iter_rows(named=True)
    ]
    classes = {clip.label for clip in clips}
    if unknown := sorted({name for pair in params.pairs for name in pair} - classes):
        raise InputError(f"no such class: {', '.join(unknown)}", key=f"controls.{run.name}.pairs",
                         do=f"name some of {', '.join(sorted(classes))}")  # fmt: skip
    return clips


def rows(
    run: Run, clips: Sequence[Clip], params: ControlsParams, level: Level, advance: Callable[[int], None]
) -> list[dict[str, Any]]:
    """Return a row for each control and the classes it is asked of: what the classifier gets, and what chance gets."""
    paired = {name for pair in params.pairs for name in pair}
    wanted = [
        (clip.clip_id, clip.path, [*params.everywhere, *(params.in_pairs if clip.label in paired else [])])
        for clip in clips
    ]
    features: list[dict[str, Floats]] = []
    for seen in look(
        Tower(Path(params.model)), wanted, read_truths(run.data / "truth.parquet"), params.frames, params.seed
    ):
        features.append(dict(seen.features))
        advance(1)
    questions: list[tuple[str, list[str] | None]] = [(control, None) for control in ("none", *params.everywhere)]
    questions += [(control, pair) for pair in params.pairs for control in ("none", *params.in_pairs)]
    found = []
    for control, pair in questions:
        kept = [number for number, clip in enumerate(clips) if pair is None or clip.label in pair]
        train = [clips[number].train for number in kept]
        x = np.stack([features[number][control] for number in kept])
        said = named(x, [clips[number].label for number in kept], train)
        test = [clips[number] for number in kept if not clips[number].train]
        measured = mean_class_accuracy(said, [clip.label for clip in test], [clip.subject for clip in test], level)
        found.append({"control": control, "classes": "all" if pair is None else " or ".join(pair), **measured})
    return found
