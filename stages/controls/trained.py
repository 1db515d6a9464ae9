"""A model that `train` or `distill` made of clips as they are, asked about its test clips under controls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.base.errors import InputError
from stages.base.params import compute
from stages.base.paths import Run
from stages.base.progress import Progress
from stages.controls.clips import Frames, Truths, controlled, kept, read_truths
from stages.controls.params import AskedParams
from stages.controls.questions import Question, wanted
from stages.learn.data import Clip, Fold, Task
from stages.learn.device import start
from stages.learn.frames import Store
from stages.learn.prediction_rows import pair_scores, pairs_of
from stages.nets.asked import class_scores, shape
from stages.nets.models import Built, build
from stages.nets.trained import models
from stages.teachers.heads import heads_of, outputs, sizes

#: Clips whose frames are in memory at once.
GROUP = 128


class Trained:
    """A method of `controls.<dataset>.trained`."""

    passed: frozenset[str] = frozenset()

    def __init__(self, run: Run, name: str, params: AskedParams, seed: int) -> None:
        """Bind a recipe."""
        self.name, self.protocol = name, params.protocol
        self._run, self._params, self._seed = run, params, seed

    def named(self, task: Task, fold: Fold, questions: Sequence[Question]) -> Iterator[tuple[Question, Clip, str]]:
        """Yield the class that each question's test clips are named.

        Raises:
            InputError: the fold's weights are missing, or the truth lacks a clip.
        """
        folder = models(self._run, self.name, fold.name)
        if not folder.exists():
            raise InputError("no weights", file=folder, do="run the stage train for the method, or `dvc pull` it")
        as_saved: dict[str, Any] = {"weights": str(folder), "revision": None, "head": "keep", "options": {}}
        self._accelerator = start(self._params.recipe)
        self._heads = heads_of(self._run, task, self._params.heads)
        self._pairs = pairs_of([clip for one in task.folds for part in one[1:] for clip in part])
        built = build(self._params.net.model_copy(update=as_saved), shape(self._params), outputs(self._heads))
        truths = read_truths(self._run.data / "truth.parquet", fold.test)
        with Progress(f"controls {self._run.name} {self.name}, clips", len(fold.test)) as progress:
            for first in range(0, len(fold.test), GROUP):
                group = fold.test[first : first + GROUP]
                yield from self._of_group(built, group, truths, task.classes, questions)
                progress.advance(len(group))

    def _of_group(
        self, built: Built, clips: Sequence[Clip], truths: Truths, classes: Sequence[str], questions: Sequence[Question]
    ) -> Iterator[tuple[Question, Clip, str]]:
        asked = [(clip, wanted(clip, questions)) for clip in clips]
        keep = partial(kept, self._params.pixels)
        shown: dict[str, dict[Clip, Frames]] = defaultdict(dict)
        for clip, made in controlled(asked, truths, keep, self._seed, compute().processes):
            for control, frames in made.items():
                shown[control][clip] = frames
        store = Store(self._params.pixels)
        for control, frames_of in shown.items():
            of = sorted(frames_of)
            scores = self._scores(built, of, store, classes, frames_of.__getitem__)
            for question in (one for one in questions if one.control == control):
                places = [classes.index(name) for name in question.among]
                for clip, row in zip(of, scores, strict=True):
                    if clip.labels[0] in question.among:
                        yield question, clip, question.among[int(row[places].argmax())]

    def _scores(
        self, built: Built, clips: Sequence[Clip], store: Store, classes: Sequence[str], shown: Callable[[Clip], Frames]
    ) -> NDArray[np.float64]:
        """Return the scores (N, C) of the classes; where a verb and a noun make one, their product."""
        of_heads = sizes(self._heads) if len(self._heads) > 1 else ()
        scores = class_scores(self._accelerator, built, clips, store, self._params, False, shown, of_heads)
        if not of_heads:
            return scores
        return pair_scores(scores, self._heads["verb"], self._heads["noun"], [self._pairs[name] for name in classes])
