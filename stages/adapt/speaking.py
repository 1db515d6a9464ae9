"""LoRA on the captioning objective: the model learns to say the reference captions of the train part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from stages.adapt import lora
from stages.adapt.cell import Learnt, MediaCache, Setting
from stages.adapt.frozen import frozen_part
from stages.adapt.heads import Speaking
from stages.adapt.params import Captions
from stages.adapt.saved import revision_of
from stages.adapt.sources import Shown
from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import CAPTIONS
from stages.base.tables import read_table
from stages.learn.data import Clip, Task
from stages.learn.losses import Objective


def _score(losses: NDArray[np.floating], _: NDArray[np.generic]) -> tuple[float, float]:
    mean = float(losses.mean())
    return mean, -mean


#: The model gives the losses themselves, (N, 1).
SAYING = Objective(lambda losses, _: losses[:, 0], _score)


def references(run: Run) -> dict[str, str]:
    """Return the reference caption of each clip that has one.

    Raises:
        InputError: there is no table of captions, or not one caption in it.
    """
    rows = read_table(run.captions, CAPTIONS)
    found = {clip_id: text for clip_id, text in rows.select("clip_id", "text").iter_rows() if text}
    if not found:
        raise InputError("no clip has a caption", file=run.captions, do="run the stage caption")
    return found


def say_captions(setting: Setting, way: Captions, task: Task, texts: dict[str, str]) -> Learnt:
    """Train LoRA on captions and write it as an adapter; it predicts nothing by itself: `infer` asks it.

    Raises:
        InputError: the protocol has folds, a target is in none of the model's parts, a train part without captions, a
            clip that cannot be shown, or a loss that is not a number.
    """
    if len(task.folds) > 1:
        raise InputError(
            f"{len(task.folds)} folds would be as many models",
            key=task.protocol,
            do="name a protocol with one train part",
        )
    (fold,), backend, seed = task.folds, setting.backend, way.recipe.seed
    engine, media = backend.engine(), MediaCache(setting.show.media)
    adapted, frozen = lora.put_on(engine.model, way.lora, seed), frozen_part(engine.model, way)

    def source(clips: Sequence[Clip], learns: bool) -> Shown:
        told = [clip.clip_id for clip in clips if clip.clip_id in texts]
        change = way.augmentation if learns else None
        wanted = torch.zeros(len(told), 1)
        answers = [texts[one] for one in told]
        return Shown(engine, setting.prompt, told, media, wanted, answers, change, seed, frozen, way.text_first)

    train, validation = source(fold.train, True), source(fold.validation, False)
    if not len(train):
        raise InputError("no train clip has a caption", file=setting.cell.run.captions, do="run the stage caption")
    shapes = {
        part: [[_digest(media, clip_id), texts[clip_id]] for clip_id in each.clip_ids]
        for part, each in (("train", train), ("validation", validation))
    }
    fitted, _ = setting.learn(Speaking(engine.model), train, validation, fold.name, shapes, SAYING)
    lora.save(adapted, setting.folder, backend.params.name, backend.base_revision)
    setting.accelerator.wait_for_everyone()
    return Learnt([], [fitted], [revision_of(setting.folder, backend.revision)])


def _digest(media: MediaCache, clip_id: str) -> str:
    shown = media(clip_id)
    return shown.digest if shown else ""
