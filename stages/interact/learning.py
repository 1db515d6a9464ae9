"""What the two kinds of recipes differ in: a model that speaks, and one that names classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray

from stages.base.errors import InputError
from stages.base.journal.arrays import Arrays
from stages.base.params import compute
from stages.exact.linear import steady
from stages.interact.answers import answers
from stages.interact.cell import Cell, Frozen
from stages.interact.conversation import Conversation, Told
from stages.interact.model import Interaction
from stages.interact.naming import Classifier
from stages.interact.params import Naming, Talking
from stages.interact.said_rows import said_rows
from stages.interact.saved import save
from stages.interact.seen import Seen
from stages.interact.source import Streamed
from stages.labels.classes import read_classes
from stages.learn.checkpoint import run_key, weights_hash
from stages.learn.curves import Curves
from stages.learn.data import Clip, Task, targets
from stages.learn.device import predict
from stages.learn.loop import Fitted, fit
from stages.learn.losses import Objective
from stages.learn.prediction_rows import prediction_rows, probabilities
from stages.vlm.prompts import Prompt
from stages.weights.halved import round_to_half

#: Raise it when the same params and features give other weights.
VERSION = 1
PROMPTS = Path(__file__).parent / "prompts"
#: What has no part in the weights.
_ASKED_ONLY = {"swapped", "errors", "classifier", "longest"}

Row = dict[str, Any]
Parts = Mapping[str, Sequence[Seen]]


def _score(losses: NDArray[np.floating], _: NDArray[np.generic]) -> tuple[float, float]:
    mean = float(losses[:, 0].mean())
    return mean, -mean


def saying(way: Talking) -> Objective:
    """Return the objective of a model that gives the losses themselves, (B, 3): of both turns, and of each."""
    return Objective(lambda losses, _: losses, _score, way.turns)


class Learner:
    """What both kinds have in common."""

    way: Talking | Naming

    def __init__(self, cell: Cell, frozen: Frozen, task: Task, accelerator: Accelerator) -> None:
        self.cell, self.frozen, self.task, self.accelerator = cell, frozen, task, accelerator
        known = read_classes(cell.run).words
        self.words = {name: known[name] for name in task.classes}

    def model(self, widths: Mapping[str, int]) -> Any:
        """Return a fresh model on features of these widths."""
        raise NotImplementedError

    def source(self, seen: Sequence[Seen], arrays: Arrays, learns: bool) -> Streamed:
        """Return clips to learn from, or to be asked about."""
        raise NotImplementedError

    def streamed(
        self, seen: Sequence[Seen], arrays: Arrays, wanted: torch.Tensor, told: Sequence[Told] | None, learns: bool
    ) -> Streamed:
        """Return clips as their streams, as the recipe has them."""
        swapped = self.way.swapped and not learns
        return Streamed(seen, arrays, wanted, told, swapped, self.way.hidden, self.way.recipe.seed)

    def shapes(self, parts: Parts) -> dict[str, Any]:
        """Return what shapes the weights beside recipe and features."""
        raise NotImplementedError

    def rows(self, model: Any, seen: Sequence[Seen], arrays: Arrays, key: str) -> list[Row]:
        """Return the rows of test clips."""
        raise NotImplementedError

    def fit(self, model: Any, parts: Parts, arrays: Arrays, fold: str) -> tuple[Fitted, str]:
        """Train a model; return how it went, and the key of the run."""
        features = {part: [sorted(one.keys.items()) for one in parts[part]] for part in ("train", "validation")}
        key = run_key(
            self.accelerator.device,
            self.accelerator.num_processes,
            interact=VERSION,
            way=self.way.model_dump(mode="json", exclude=_ASKED_ONLY),
            features=features,
            **self.shapes(parts),
        )
        what = f"{self.cell.name} {fold}" if fold else self.cell.name
        with Curves(self.cell.curves(fold), self.accelerator.is_main_process) as curves:
            fitted = fit(
                self.accelerator,
                model,
                self.source(parts["train"], arrays, True),
                self.source(parts["validation"], arrays, True),
                self.way.recipe,
                key=key,
                what=what,
                on_epoch=curves.log,
                objective=saying(self.way) if isinstance(self.way, Talking) else None,
            )
        round_to_half(model)  # as it is written, so that whoever loads it says what is said here
        return fitted, key

    def save(self, model: Any, widths: Mapping[str, int], fold: str) -> None:
        """Write what a fold learnt."""
        if self.accelerator.is_main_process:
            about = {"way": self.way.model_dump(mode="json"), "widths": dict(widths), "classes": self.words}
            save(self.cell.folder(fold), model, about | {"frozen": self.frozen.named})
        self.accelerator.wait_for_everyone()


class Speaks(Learner):
    """OV-HHIR."""

    way: Talking

    def __init__(self, cell: Cell, way: Talking, frozen: Frozen, task: Task, accelerator: Accelerator) -> None:
        """Bind it.

        Raises:
            InputError: a clip to learn from has no narration, or the prompts do not fit the streams.
        """
        super().__init__(cell, frozen, task, accelerator)
        self.way, self.engine = way, frozen.engine()
        self.conversation = conversation(way, self.engine)
        for fold in task.folds:
            for clip in (*fold.train, *fold.validation):
                if not clip.narration:
                    raise InputError(
                        "the clip has no narration, which is what the first turn learns to say",
                        file=cell.run.manifest,
                        row=clip.clip_id,
                        key="narration",
                        do="give the data set narrations (`ingest`), or take a recipe of kind classifier",
                    )

    def model(self, widths: Mapping[str, int]) -> Interaction:
        """Return fresh branches before the frozen language model."""
        return steady(Interaction(self.way, widths, self.engine.model), self.accelerator.device.type)

    def told(self, clip: Clip) -> Told:
        """Return what is to be said of a clip."""
        return self.conversation.told(*self.conversation.in_order(str(clip.narration), self.words[clip.labels[0]]))

    def source(self, seen: Sequence[Seen], arrays: Arrays, learns: bool) -> Streamed:
        """Return clips with what is to be said of them, or to be asked about."""
        told = [self.told(one.clip) for one in seen] if learns else None
        return self.streamed(seen, arrays, torch.zeros(len(seen), 1), told, learns)

    def shapes(self, parts: Parts) -> dict[str, Any]:
        """Return the language model, prompts and answers."""
        said = {
            part: [[one.clip.narration, self.words[one.clip.labels[0]]] for one in parts[part]]
            for part in ("train", "validation")
        }
        return {"base": self.frozen.shapes["language"], "questions": self.conversation.questions, "said": said}

    def rows(self, model: Interaction, seen: Sequence[Seen], arrays: Arrays, key: str) -> list[Row]:
        """Return the rows of test clips, asked both turns."""
        source, batch = self.source(seen, arrays, False), compute().batch
        device = self.accelerator.device
        said = answers(model, self.conversation, source, list(self.words.values()), self.way.longest, batch, device)
        common = {
            "prompt_hash": Prompt(PROMPTS, self.way.describe).hash,
            "revision": f"{self.frozen.language.revision}+{weights_hash(model)}",
            "journal_key": key,
        }
        by_likelihood = self.way.classifier == "likelihood"
        return said_rows(self.cell.method, seen, said, self.words, by_likelihood, common)


class Names(Learner):
    """A classifier on the same features."""

    way: Naming

    def __init__(self, cell: Cell, way: Naming, frozen: Frozen, task: Task, accelerator: Accelerator) -> None:
        """Bind it."""
        super().__init__(cell, frozen, task, accelerator)
        self.way = way

    def model(self, widths: Mapping[str, int]) -> Classifier:
        """Return a fresh classifier."""
        return steady(Classifier(self.way, widths, len(self.words)), self.accelerator.device.type)

    def source(self, seen: Sequence[Seen], arrays: Arrays, learns: bool) -> Streamed:
        """Return clips with their classes."""
        wanted = targets([one.clip for one in seen], self.task.classes, False)
        return self.streamed(seen, arrays, wanted, None, learns)

    def shapes(self, parts: Parts) -> dict[str, Any]:
        """Return classes and labels."""
        labels = {part: [list(one.clip.labels) for one in parts[part]] for part in ("train", "validation")}
        return {"classes": self.task.classes, "labels": labels}

    def rows(self, model: Classifier, seen: Sequence[Seen], arrays: Arrays, key: str) -> list[Row]:
        """Return the rows of test clips."""
        logits = predict(self.accelerator, model, self.source(seen, arrays, False), compute().batch)
        scores, clips = probabilities(logits, False), [one.clip for one in seen]
        named = self.task.classes, False, weights_hash(model), key
        found = prediction_rows(self.cell.method, clips, scores, *named)
        return [row | {"detail": one.missing} for row, one in zip(found, seen, strict=True)]


def learner_of(cell: Cell, way: Talking | Naming, frozen: Frozen, task: Task, accelerator: Accelerator) -> Learner:
    """Return the learner of a recipe.

    Raises:
        InputError: see `Speaks`.
    """
    kind = Speaks(cell, way, frozen, task, accelerator) if isinstance(way, Talking) else None
    return kind or Names(cell, way, frozen, task, accelerator)  # type: ignore[arg-type]


def conversation(way: Talking, engine: Any) -> Conversation:
    """Return the two turns of a recipe, in their order, in a language model's words.

    Raises:
        InputError: a prompt is missing or does not fit the streams.
    """
    names = {"describe": way.describe, "one_word": way.one_word}
    one, two = (Prompt(PROMPTS, names[turn]).fill() for turn in way.turns)
    names_first = way.first == "one_word"
    return Conversation(engine.tokenizer, engine.ends, (one, two), way.seeing.names, way.qformer.queries, names_first)
