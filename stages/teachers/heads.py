"""What is told apart: one head of labels, or a head of verbs and one of nouns, each with its classes in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.learn.data import Clip, Task

#: Head -> its classes; the order of both is that of logits.
Heads = Mapping[str, Sequence[str]]
Kind = Literal["label", "verb_noun"]


def heads_of(run: Run, task: Task, kind: Kind) -> Heads:
    """Return the heads of a protocol: all classes that occur among its clips, sorted.

    Raises:
        InputError: a clip has no verb or no noun.
    """
    if kind == "label":
        return {"label": task.classes}
    clips = sorted({clip for fold in task.folds for part in fold[1:] for clip in part})
    for name in ("verb", "noun"):
        lacking = next((clip for clip in clips if not getattr(clip, name)), None)
        if lacking is not None:
            raise InputError(
                f"the clip has no {name}",
                file=run.manifest,
                row=lacking.clip_id,
                key=name,
                do="set `heads: label`, or ingest with an adapter of compositional labels",
            )
    return {name: sorted({getattr(clip, name) for clip in clips}) for name in ("verb", "noun")}


def outputs(heads: Heads) -> list[str]:
    """Return the names of a model's outputs: the classes, of several heads with the head's name before them."""
    if len(heads) == 1:
        return list(next(iter(heads.values())))
    return [f"{head}:{name}" for head, classes in heads.items() for name in classes]


def sizes(heads: Heads) -> list[int]:
    """Return the classes of each head."""
    return [len(classes) for classes in heads.values()]


def named(clip: Clip, heads: Heads) -> tuple[str, ...]:
    """Return a clip's class of each head."""
    return tuple(clip.labels[0] if head == "label" else str(getattr(clip, head)) for head in heads)


def places(clips: Sequence[Clip], heads: Heads) -> NDArray[np.int64]:
    """Return which class of each head clips have, (N, heads)."""
    of_head = [{name: place for place, name in enumerate(classes)} for classes in heads.values()]
    rows = [[place[name] for place, name in zip(of_head, named(clip, heads), strict=True)] for clip in clips]
    return np.array(rows, np.int64).reshape(len(clips), len(heads))
