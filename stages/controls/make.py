"""All controls on all methods, a group of clips at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from accelerate import Accelerator
from numpy.typing import NDArray

from stages.controls.clips import NONE, Frames, controlled, read_truths
from stages.controls.params import ControlsParams
from stages.controls.rows import Answered, row
from stages.core.errors import InputError
from stages.core.params import compute
from stages.core.paths import Run
from stages.core.progress import Progress
from stages.core.schema import MANIFEST
from stages.core.tables import read_table
from stages.learn.data import Clip, Fold, Task, read_task
from stages.learn.device import start
from stages.learn.frames import Store
from stages.nets.asked import class_scores, shape
from stages.nets.models import Built, build
from stages.nets.trained import TrainParams, models
from stages.stats.intervals import Level

#: Clips whose frames are in memory at once.
GROUP = 128


def make(run: Run, params: ControlsParams, trained: Mapping[str, TrainParams], level: Level) -> list[dict[str, Any]]:
    """Return the rows of controls.csv: of each method, first the clips as they are.

    Raises:
        InputError: a method is not under `train`, its weights or the truth are missing, or a pair is none of its
            classes.
    """
    rows: list[dict[str, Any]] = []
    for method in params.methods:
        if method not in trained:
            raise InputError(f"no block train.{run.name}.{method}", file="params.yaml", key=f"controls.{run.name}",
                             do="name trained methods")  # fmt: skip
        if trained[method].many:
            raise InputError(f"{method} has several labels a clip", file="params.yaml", key=f"controls.{run.name}",
                             do="controls are for methods of one label a clip")  # fmt: skip
        rows += _of_method(run, method, params, trained[method], level)
    return rows


def _of_method(
    run: Run, method: str, params: ControlsParams, trained: TrainParams, level: Level
) -> Iterator[dict[str, Any]]:
    accelerator = start(trained.recipe)
    task = read_task(run, trained.protocol, False)
    unknown = sorted({name for pair in params.pairs for name in pair} - set(task.classes))
    if unknown:
        raise InputError(f"no such class: {', '.join(unknown)}", file="params.yaml", key=f"controls.{run.name}.pairs",
                         do=f"name some of {', '.join(task.classes)}")  # fmt: skip
    subjects = _subjects(run)
    found: dict[str, list[tuple[Clip, NDArray[np.float64]]]] = defaultdict(list)
    for fold in task.folds:
        folder = models(run, method, fold.name)
        if not folder.exists():
            raise InputError("no weights", file=folder, do="run the stage train for the method, or `dvc pull` it")
        net = trained.net.model_copy(update={"weights": str(folder), "revision": None, "head": "keep", "options": {}})
        built = build(net, shape(trained), task.classes)
        _ask(run, method, params, trained, task, fold, accelerator, built, found)
    for control, among in _questions(params, task):
        chosen = sorted((one for one in found[control] if one[0].labels[0] in among), key=lambda one: one[0].clip_id)
        answered = Answered(
            [clip.labels[0] for clip, _ in chosen],
            [subjects[clip.clip_id] for clip, _ in chosen],
            np.stack([scores for _, scores in chosen]),
        )
        classes = "all" if list(among) == task.classes else " or ".join(among)
        yield {"method": method, "control": control, "classes": classes, **row(answered, task.classes, among, level)}


def _questions(params: ControlsParams, task: Task) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each control with the classes among which the model chooses."""
    for control in (NONE, *params.everywhere):
        yield control, task.classes
    for pair in params.pairs:
        for control in (NONE, *params.in_pairs):
            yield control, pair


def _ask(
    run: Run,
    method: str,
    params: ControlsParams,
    trained: TrainParams,
    task: Task,
    fold: Fold,
    accelerator: Accelerator,
    built: Built,
    found: dict[str, list[tuple[Clip, NDArray[np.float64]]]],
) -> None:
    """Add to `found` what one fold's model says of its test clips under each control."""
    in_pairs = {name for pair in params.pairs for name in pair}
    asked = [(clip, [NONE, *dict.fromkeys([*params.everywhere,
                                           *(params.in_pairs if clip.labels[0] in in_pairs else [])])])
             for clip in fold.test]  # fmt: skip
    truths = read_truths(run.data / "truth.parquet", fold.test)
    store = Store(trained.pixels)
    with Progress(f"controls {run.name} {method}, clips", len(asked)) as progress:
        for first in range(0, len(asked), GROUP):
            group = asked[first : first + GROUP]
            by_control: dict[str, dict[Clip, Frames]] = defaultdict(dict)
            for clip, frames in controlled(group, truths, trained.pixels, params.seed, compute().processes):
                for control, kept in frames.items():
                    by_control[control][clip] = kept
            for control, kept_frames in by_control.items():
                clips = sorted(kept_frames)
                scores = class_scores(accelerator, built, clips, store, trained, kept_frames.__getitem__)
                found[control] += zip(clips, scores, strict=True)
            progress.advance(len(group))


def _subjects(run: Run) -> dict[str, str]:
    """Return each clip's cluster, as the scores take it."""
    manifest = read_table(run.manifest, MANIFEST)
    rows = manifest.select("clip_id", pl.coalesce("subject", "group", "clip_id").alias("cluster"))
    return dict(rows.iter_rows())
