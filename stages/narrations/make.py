"""Teachers taught on real narrations and tested on others, from files to tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.annotated.cells import read_cells
from stages.annotated.epic_kitchens import NOUNS, VERBS, Classes, Narrations, read_classes, read_narrations
from stages.base.errors import InputError
from stages.journal.store import Journal
from stages.learn.device import start
from stages.narrations.keywords import longest
from stages.narrations.params import NarrationsParams
from stages.narrations.scored import nearest, right, rows
from stages.stats.intervals import Level
from stages.teachers.heads import Heads, sizes
from stages.teachers.texts import Vectors, learn_heads, log_probabilities
from stages.text.sentences import KIND, Sentences

TEMPERATURE = 3.0  # the paper's, at which a student sees what is shown


class Made(NamedTuple):
    """Accuracies, nearest classes, and what the closing line says."""

    accuracy: list[dict[str, Any]]
    near: list[dict[str, Any]]
    texts: int
    computed: int


def make(name: str, params: NarrationsParams) -> Made:
    """Teach each teacher and name the test narrations.

    Raises:
        InputError: a file is missing or wrong, or a class to show is in no list.
    """
    folder = Path(params.folder)
    verbs, nouns = read_classes(folder / VERBS), read_classes(folder / NOUNS)
    _known(params, verbs, nouns)
    heads: Heads = {"verb": verbs.names, "noun": nouns.names}
    tested = read_narrations([folder / params.test], verbs, nouns)
    people = [line.text("participant_id") for line in read_cells(folder / params.test, ("participant_id",))]
    taught = {
        teacher: read_narrations([folder / file for file in files], verbs, nouns)
        for teacher, files in params.train.items()
    }
    keywords = np.stack([longest(tested.texts, classes) for classes in heads.values()], axis=1)
    baseline, level = right(keywords, _wanted(tested)), Level(params.confidence, params.assumed_icc)
    accuracy: list[dict[str, Any]] = []
    near: list[dict[str, Any]] = []
    accelerator = start(params.recipe)
    with Journal("embed", KIND) as journal:
        sentences = Sentences(
            params.encoder, journal, progress=f"{name}, texts", precision=params.precision, pooling=params.pooling
        )
        asked = sentences.rows(tested.texts)
        places = {teacher: sentences.rows(lessons.texts) for teacher, lessons in taught.items()}
        vectors = sentences.vectors
    for teacher, lessons in taught.items():
        source = Vectors(vectors, places[teacher], _wanted(lessons))
        model, _ = learn_heads(accelerator, source, heads, params.recipe, f"{name}, teacher {teacher}")
        found = log_probabilities(model, vectors, sizes(heads))
        named = np.stack([part.argmax(1) for part in _parts(found[asked], heads)], axis=1)
        seen = np.isin(tested.texts, lessons.texts)
        accuracy += rows(teacher, right(named, _wanted(tested)), baseline, seen, people, level)
        for head, said in zip(heads, _parts(found[places[teacher]], heads), strict=True):
            which = _wanted(lessons)[:, list(heads).index(head)]
            soft = _softened(said)
            shown = nearest(soft, heads[head], params.nearest.get(head, []), which, params.shown)
            near += [{"teacher": teacher, "head": head, **row} for row in shown]
    return Made(accuracy, near, len(sentences), sentences.computed)


def _parts(found: NDArray[np.float32], heads: Heads) -> list[NDArray[np.float32]]:
    return np.split(found, np.cumsum(sizes(heads))[:-1], axis=1)


def _softened(said: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return log-probabilities at the paper's temperature."""
    logits = said.astype(np.float64) / TEMPERATURE
    return np.asarray(logits - np.log(np.exp(logits).sum(1, keepdims=True)), np.float32)


def _wanted(narrations: Narrations) -> NDArray[np.int64]:
    return np.array([narrations.verbs, narrations.nouns], np.int64).T.copy()


def _known(params: NarrationsParams, verbs: Classes, nouns: Classes) -> None:
    for head, asked in params.nearest.items():
        classes = {"verb": verbs, "noun": nouns}.get(head)
        if classes is None:
            raise InputError("verb or noun", file="params.yaml", key=f"nearest.{head}", do="name one of the two")
        if unknown := sorted(set(asked) - set(classes.names)):
            raise InputError(
                f"no such class: {', '.join(unknown)}", file=classes.file, key=f"nearest.{head}", do="see its keys"
            )
