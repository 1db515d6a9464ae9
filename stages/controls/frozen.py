"""A linear classifier of what a frozen vision tower sees, trained and asked under the same control."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForImageTextToText, AutoProcessor

from stages.base.errors import InputError
from stages.base.params import compute
from stages.base.paths import Run
from stages.base.progress import Progress
from stages.controls.clips import Frames, controlled, picked, read_truths
from stages.controls.params import FrozenParams
from stages.controls.questions import Question, wanted
from stages.exact.double import double
from stages.learn.data import Clip, Fold, Task
from stages.weights.unchanged import check_folder

Floats = NDArray[np.float32]
#: Clips whose frames are in memory together.
_AT_ONCE = 64


class Frozen:
    """A method of `controls.<dataset>.frozen`."""

    passed = frozenset({"reversed", "mirrored"})
    """It learns from controlled clips, and reversed or mirrored ones are as good to learn from as others."""

    def __init__(self, run: Run, name: str, params: FrozenParams, seed: int) -> None:
        """Load the tower.

        Raises:
            InputError: there is no such model.
        """
        self.name, self.protocol = name, params.protocol
        self._run, self._params, self._seed = run, params, seed
        self._tower = Tower(Path(params.model))

    def named(self, task: Task, fold: Fold, questions: Sequence[Question]) -> Iterator[tuple[Question, Clip, str]]:
        """Yield the class that each question's test clips are named.

        Raises:
            InputError: the truth lacks a clip, or the train part has fewer than two of a question's classes.
        """
        seen = self._seen([*fold.train, *fold.test], questions)
        for question in questions:
            train, test = (
                [clip for clip in part if clip.labels[0] in question.among] for part in (fold.train, fold.test)
            )
            if len({clip.labels[0] for clip in train}) < 2:
                raise InputError(
                    f"fewer than two of {', '.join(question.among)} in the train part",
                    file=self._run.splits,
                    key=self.protocol,
                    do="choose other classes",
                )
            if test:
                x, y = (np.stack([seen[clip][question.control] for clip in part]) for part in (train, test))
                found = ridge(x, [clip.labels[0] for clip in train], y)
                yield from ((question, clip, name) for clip, name in zip(test, found, strict=True))

    def _seen(self, clips: Sequence[Clip], questions: Sequence[Question]) -> dict[Clip, dict[str, Floats]]:
        """Return a clip's features under each control."""
        asked = [(clip, wanted(clip, questions)) for clip in clips]
        truths = read_truths(self._run.data / "truth.parquet", clips)
        keep = partial(picked, self._params.frames)
        found = {}
        with Progress(f"controls {self._run.name} {self.name}, clips", len(asked)) as progress:
            decoded = controlled(asked, truths, keep, self._seed, compute().processes)
            # Many clips at a time: while the tower looks at one, the processes that decode the next take its cores.
            while window := list(islice(decoded, _AT_ONCE)):
                for clip, made in window:
                    seen = np.split(self._tower.look(np.concatenate(list(made.values()))), len(made))
                    found[clip] = {control: frames.ravel() for control, frames in zip(made, seen, strict=True)}
                    progress.advance(1)
        return found


class Tower:
    """The frozen vision tower of a VLM in a folder of `save_pretrained`."""

    def __init__(self, folder: Path) -> None:
        """Load it.

        Raises:
            InputError: there is no such folder.
        """
        if not (folder / "config.json").exists():
            raise InputError("no model: it has no config.json", file=folder, do="run the stage pretrain, or `dvc pull`")
        check_folder(folder)
        processor: Any = AutoProcessor.from_pretrained(folder, trust_remote_code=False)  # type: ignore[no-untyped-call]
        self._images: Any = processor.image_processor
        model: Any = AutoModelForImageTextToText.from_pretrained(
            folder, dtype=torch.float64, trust_remote_code=False, use_safetensors=True
        )
        self._tower: Any = double(model.eval().model.vision_tower.to(memory_format=torch.channels_last))

    @torch.no_grad()
    def look(self, frames: Frames) -> Floats:
        """Return mean and maximum of each feature of the last map, (T, 2 * C), of frames (T, H, W, 3)."""
        pixels = self._images(list(frames), return_tensors="pt")["pixel_values"].double()
        found = self._tower(pixels).last_hidden_state.flatten(2)  # (T, C, cells)
        return np.asarray(torch.cat([found.mean(2), found.amax(2)], 1).numpy(), np.float32)


def ridge(train: Floats, labels: Sequence[str], test: Floats) -> list[str]:
    """Return the classes that ridge regression on `train` (N, D) with its N labels names `test` (M, D)."""
    from sklearn.linear_model import RidgeClassifier  # a second, which only this needs
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=300))
    model.fit(train, np.asarray(labels))
    return [str(name) for name in model.predict(test)]
