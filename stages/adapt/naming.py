"""A head for each fold of a protocol: FT-LC on the features of a frozen VLM, FT-C-LoRA with LoRA below the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from stages.adapt import lora
from stages.adapt.cell import Learnt, MediaCache, Setting
from stages.adapt.features import FEATURES, Feature, features, refill
from stages.adapt.frozen import Frozen, frozen_part
from stages.adapt.heads import Head, Headed
from stages.adapt.params import FtCLora
from stages.adapt.saved import revision_of, save_head
from stages.adapt.sources import Features, Shown
from stages.base.errors import InputError
from stages.base.journal.store import Journal
from stages.base.progress import Progress
from stages.base.tables import write_table
from stages.learn.data import Clip, Fold, Task, targets
from stages.learn.sharded import is_sharded
from stages.learn.source import Source
from stages.vlm.local import Local

#: The journal's room, and its only kind of value.
ROOM, KIND = "adapt", ("feature",)


class Learner(Protocol):
    """What FT-LC and FT-C-LoRA differ in."""

    def why(self, clip: Clip) -> str | None:
        """Return why a clip cannot be shown; null where it can."""
        ...

    def seen(self, clip: Clip) -> str:
        """Return the hash of what is seen of a clip."""
        ...

    def model(self, classes: int) -> Any:
        """Return a fresh model whose `head` gives so many logits."""
        ...

    def source(self, clips: Sequence[Clip], wanted: torch.Tensor, learns: bool) -> Source:
        """Return clips with their targets, to learn from or to be tried on."""
        ...

    def save(self, folder: Path) -> None:
        """Write what the last model learnt beside its head; every process calls it."""
        ...


def name_classes(setting: Setting, task: Task, learner: Learner, predicted: Sequence[str]) -> Learnt:
    """Train a head for each fold; write it, and return the predictions of the clips of the parts `predicted`.

    Raises:
        InputError: no train clip of a fold can be shown, the loss is not a number, or validation clips are to be
            predicted and there are folds, where what validates one model tests another.
    """
    if len(task.folds) > 1 and "validation" in predicted:
        raise InputError("a protocol with folds predicts its test clips only", key="parts", do="set parts: [test]")
    made = Learnt([], [], [])
    for fold in task.folds:
        parts = {part: [clip for clip in clips if learner.why(clip) is None] for part, clips in _parts(fold).items()}
        if not parts["train"]:
            raise InputError(
                "no clip of the train part can be shown", key=fold.name or task.protocol, do="ingest again"
            )
        torch.manual_seed(setting.way.recipe.seed)
        model = learner.model(len(task.classes))
        source = {
            part: learner.source(clips, targets(clips, task.classes, task.many), part == "train")
            for part, clips in parts.items()
        }
        clips = {part: [[learner.seen(clip), clip.labels] for clip in parts[part]] for part in ("train", "validation")}
        shapes = {**clips, "classes": task.classes}
        fitted, key = setting.learn(model, source["train"], source["validation"], fold.name, shapes, labels=task.labels)
        revision = _save(setting, task, fold, learner, model)
        rows = []
        for part in predicted:
            if parts[part]:
                rows += setting.rows(model, source[part], parts[part], task, revision, key)
            missing = [(clip, learner.why(clip)) for clip in _parts(fold)[part]]
            rows += [setting.failed(clip, why) for clip, why in missing if why is not None]
        made = Learnt(made.rows + rows, [*made.fitted, fitted], [*made.revisions, revision])
    return made


def _parts(fold: Fold) -> dict[str, list[Clip]]:
    return {"train": fold.train, "validation": fold.validation, "test": fold.test}


def _save(setting: Setting, task: Task, fold: Fold, learner: Learner, model: Any) -> str:
    folder, backend = setting.folder / fold.name, setting.backend
    learner.save(folder)
    save_head(
        folder,
        model.head,
        {
            "base": backend.params.name,
            "revision": backend.revision,
            "classes": task.classes,
            "many": task.many,
            "prompt": setting.prompt,
            "text_first": setting.way.text_first,
            "media": backend.params.media,
            "frames": backend.params.frames,
            "pooled": "mean of the last hidden states at the visual tokens",
        },
    )
    setting.accelerator.wait_for_everyone()
    return revision_of(folder, backend.revision)


class HeadOnly:
    """FT-LC."""

    def __init__(self, found: Mapping[str, Feature], computed: int) -> None:
        """Bind the features of all clips of a task; so many were computed now."""
        self.found, self.computed = found, computed
        known = next((one.vector for one in found.values() if one.vector is not None), np.empty(0, np.float32))
        self.width = len(known)

    @classmethod
    def of(cls, setting: Setting, task: Task) -> HeadOnly:
        """Compute the features that the journal lacks, each process its share, and write them all beside the heads.

        Raises:
            InputError: no clip can be shown, or the model sees nothing.
        """
        used = sorted({clip.clip_id for fold in task.folds for part in fold[1:] for clip in part})
        table, accelerator = setting.folder / "features.parquet", setting.accelerator
        if accelerator.is_main_process:
            with Journal(ROOM, KIND) as journal:
                refill(journal, table)
        accelerator.wait_for_everyone()
        computed = 0
        if accelerator.num_processes > 1:
            share = np.array_split(used, accelerator.num_processes)[accelerator.process_index]
            with suppress(InputError):  # none of a share may be fit to be shown; all of them together say so below
                computed = _compute(setting, share.tolist())[1]
            computed = int(accelerator.reduce(torch.tensor(computed, device=accelerator.device)))  # and all are there
        found, here = _compute(setting, used)
        computed += here
        rows = (
            {
                "clip_id": one.clip_id,
                "why": one.why,
                "journal_key": one.key,
                "feature": None if one.vector is None else one.vector.tolist(),
            }
            for one in found
        )
        if accelerator.is_main_process:
            write_table(table, rows, FEATURES)
        return cls({one.clip_id: one for one in found}, computed)

    def why(self, clip: Clip) -> str | None:
        """Return why a clip has no feature."""
        return self.found[clip.clip_id].why

    def seen(self, clip: Clip) -> str:
        """Return the key of a clip's feature."""
        return str(self.found[clip.clip_id].key)

    def model(self, classes: int) -> Head:
        """Return a fresh head."""
        return Head(self.width, classes)

    def source(self, clips: Sequence[Clip], wanted: torch.Tensor, learns: bool) -> Features:
        """Return the features of clips."""
        vectors = [vector for clip in clips if (vector := self.found[clip.clip_id].vector) is not None]
        return Features(torch.from_numpy(np.stack(vectors)) if clips else torch.empty(0, self.width), wanted)

    def save(self, folder: Path) -> None:
        """Write nothing: the head is all that there is."""


def _compute(setting: Setting, clip_ids: Sequence[str]) -> tuple[list[Feature], int]:
    """Return the features of clips, and how many of them the journal lacked."""
    with Journal(ROOM, KIND) as journal, Progress(f"{setting.name}, features", len(clip_ids)) as progress:
        known = len(journal)
        asking = (setting.prompt, setting.backend, journal, progress.advance, setting.way.text_first)
        found = list(features(setting.show, clip_ids, *asking))
        return found, len(journal) - known


class HeadAndLora:
    """FT-C-LoRA."""

    def __init__(self, setting: Setting, way: FtCLora) -> None:
        """Bind a model, which each fold starts from anew."""
        self.setting, self.way, self.engine = setting, way, setting.backend.engine()
        self.media = MediaCache(setting.show.media)
        self._adapted: Any = None
        self._frozen: Frozen | None = None
        self._looked: dict[str, tuple[str | None, str]] = {}

    def why(self, clip: Clip) -> str | None:
        """Return why a clip cannot be shown."""
        return self._look(clip)[0]

    def seen(self, clip: Clip) -> str:
        """Return the hash of a clip's frames."""
        return self._look(clip)[1]

    def _look(self, clip: Clip) -> tuple[str | None, str]:
        """Look at a clip once; what does not fit into memory is decoded again when it is learnt from."""
        if clip.clip_id not in self._looked:
            try:
                media = self.media(clip.clip_id)
                self._looked[clip.clip_id] = (None, media.digest if media else "")
            except InputError as error:
                self._looked[clip.clip_id] = (str(error).splitlines()[0], "")
        return self._looked[clip.clip_id]

    def model(self, classes: int) -> Headed:
        """Return the base model under fresh LoRA, with a fresh head."""
        if self._adapted is not None and is_sharded():  # what is sharded is not changed
            old = self.setting.backend
            self.engine = Local(old.params, old.device, old.batch, old.threads).engine()
        elif self._adapted is not None:
            self._adapted.unload()
        self._adapted = lora.put_on(self.engine.model, self.way.lora, self.way.recipe.seed)
        self._frozen = frozen_part(self.engine.model, self.way)
        return Headed(self.engine.model, classes)

    def source(self, clips: Sequence[Clip], wanted: torch.Tensor, learns: bool) -> Shown:
        """Return clips as the model is shown them."""
        change = self.way.augmentation if learns else None
        return Shown(
            self.engine,
            self.setting.prompt,
            [clip.clip_id for clip in clips],
            self.media,
            wanted,
            change=change,
            seed=self.way.recipe.seed,
            frozen=self._frozen,
            text_first=self.way.text_first,
        )

    def save(self, folder: Path) -> None:
        """Write the adapter."""
        params = self.setting.backend.params
        lora.save(self._adapted, folder, params.name, self.setting.backend.base_revision)
