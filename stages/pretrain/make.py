"""Both phases, one after the other, and the folder that holds the result."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from stages.base.progress import Progress
from stages.base.tables import write_text
from stages.pretrain import language, vision
from stages.pretrain.blank import Blank, blank
from stages.pretrain.card import card
from stages.pretrain.frames import Clips, read_clips, together
from stages.pretrain.keeping import Keeper, run_key
from stages.pretrain.lessons import Topic
from stages.pretrain.params import PretrainParams
from stages.pretrain.tables import read_windows
from stages.pretrain.teacher import every_kind
from stages.weights.halved import half


class Result(NamedTuple):
    """A trained model: its size, the share of frames whose activity its vision names, the loss of its lessons."""

    weights: int
    vision: float
    language: float
    cached: int
    """Steps that an earlier run had done."""

    @property
    def words(self) -> str:
        """What was learnt, in words."""
        return f"{self.vision:.0%} of single frames named, loss {self.language:.3f}"


def make(params: PretrainParams, data: Path, folder: Path, every: float = 30.0) -> Result:
    """Train a model on the rendered scenes below `data` and save it into `folder`.

    What is unfinished is kept every so many seconds, and gone on with by whoever asks for the same again.
    """
    torch.set_num_threads(params.threads)
    torch.use_deterministic_algorithms(True)
    # Nothing here reads memory that it has not written; filling it first would cost a tenth of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.manual_seed(params.seed)
    empty = blank(params, [])
    clips = read_clips(data / params.scene, empty.processor.image_processor)
    if params.tables is not None:
        clips = together(clips, read_windows(data / params.tables, empty.processor.image_processor))
    torch.manual_seed(params.seed)
    student = blank(params, _texts(clips.topics, params.seed))

    def normalise(pixels: torch.Tensor) -> torch.Tensor:
        images = student.processor.image_processor
        mean, std = (torch.tensor(value).view(3, 1, 1) for value in (images.image_mean, images.image_std))
        return (pixels.float() / 255 - mean) / std

    keeper = Keeper(run_key(params, clips), every)
    cached = [keeper.steps(phase) for phase in (vision.PHASE, language.PHASE)]
    with Progress("pretrain, vision, steps", params.vision.steps, cached[0]) as progress:
        seen = vision.train_vision(
            student.model, clips, params.vision, params.seed, normalise, progress.advance, keeper
        )
    with Progress("pretrain, language, steps", params.language.steps, cached[1]) as progress:
        said = language.train_language(
            student, clips, params.language, params.frames, params.seed, normalise, progress.advance, keeper
        )
    weights = save(student, folder)
    write_text(folder / "README.md", card(params, clips, weights))
    keeper.finish()
    return Result(weights, seen, said, sum(cached))


def save(student: Blank, folder: Path) -> int:
    """Write model and processor; return the number of weights.

    Matrices are written in half precision, which halves what travels; whoever loads them computes with these values.
    """
    student.model.requires_grad_(True)
    weights = {name: half(value) for name, value in student.model.state_dict().items()}
    student.model.eval().save_pretrained(folder, state_dict=weights)
    student.processor.save_pretrained(folder)
    return sum(parameter.numel() for parameter in student.model.parameters())


def _texts(topics: Sequence[Topic], seed: int) -> list[str]:
    """Return texts that hold every word of the lessons."""
    lessons = every_kind(topics, np.random.default_rng([seed, 1]), 4)
    return list(chain.from_iterable((lesson.question, lesson.answer) for lesson in lessons))


__all__ = ["Clips", "Result", "make", "save"]
