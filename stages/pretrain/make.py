"""Both phases, one after the other, and the folder that holds the result."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from stages.base.progress import Progress
from stages.base.tables import write_text
from stages.pretrain.blank import Blank, blank
from stages.pretrain.card import card
from stages.pretrain.frames import Clips, read_clips
from stages.pretrain.language import train_language
from stages.pretrain.lessons import LESSONS, Activity
from stages.pretrain.params import PretrainParams
from stages.pretrain.vision import train_vision


class Made(NamedTuple):
    """A trained model: its size, the share of frames whose activity its vision names, the loss of its lessons."""

    weights: int
    vision: float
    language: float


def make(params: PretrainParams, scene: Path, folder: Path) -> Made:
    """Train a model on a rendered scene and save it into `folder`."""
    torch.set_num_threads(params.threads)
    torch.use_deterministic_algorithms(True)
    # Nothing here reads memory that it has not written; filling it first would cost a tenth of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.manual_seed(params.seed)
    empty = blank(params, [])
    clips = read_clips(scene, empty.processor.image_processor)
    torch.manual_seed(params.seed)
    student = blank(params, _texts(clips.activities, params.seed))

    def normalise(pixels: torch.Tensor) -> torch.Tensor:
        images = student.processor.image_processor
        mean, std = (torch.tensor(value).view(3, 1, 1) for value in (images.image_mean, images.image_std))
        return (pixels.float() / 255 - mean) / std

    with Progress("pretrain, vision, steps", params.vision.steps) as progress:
        seen = train_vision(student.model, clips, params.vision, params.seed, normalise, progress.advance)
    with Progress("pretrain, language, steps", params.language.steps) as progress:
        said = train_language(student, clips, params.language, params.frames, params.seed, normalise, progress.advance)
    weights = save(student, folder)
    write_text(folder / "README.md", card(params, clips, weights))
    return Made(weights, seen, said)


def save(student: Blank, folder: Path) -> int:
    """Write model and processor; return the number of weights."""
    student.model.requires_grad_(True)
    student.model.eval().save_pretrained(folder)
    student.processor.save_pretrained(folder)
    return sum(parameter.numel() for parameter in student.model.parameters())


def _texts(activities: list[Activity], seed: int) -> list[str]:
    """Return texts that hold every word of the lessons."""
    rng = np.random.default_rng([seed, 1])
    made = (
        make(activity, [other for other in activities if other != activity], rng)
        for activity in activities
        for make, _ in LESSONS.values()
        for _ in range(4)
    )
    return list(chain.from_iterable((lesson.question, lesson.answer) for lesson in made))


__all__ = ["Clips", "Made", "make", "save"]
