"""Heads on a frozen encoder, taught on texts and tested on others: what language teachers of all kinds share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.base.errors import InputError
from stages.base.journal.store import Journal
from stages.base.spreadsheet import csv_text
from stages.base.tables import rounded
from stages.learn.device import start
from stages.stats.intervals import Level
from stages.teach.keywords import longest
from stages.teach.params import Texts
from stages.teach.scored import nearest, right, rows
from stages.teachers.heads import Heads, sizes
from stages.teachers.texts import TextHeads, Vectors, learn_heads, log_probabilities
from stages.text.model import model_folder
from stages.text.sentences import KIND, Sentences

#: The paper's, at which a student sees what is shown of a class.
TEMPERATURE = 3.0


class Lesson(NamedTuple):
    """N texts, what they are of, and who said them."""

    texts: Sequence[str]
    wanted: NDArray[np.int64]
    """(N, heads)."""
    people: Sequence[str] = ()


class Learnt(NamedTuple):
    """Heads, what they say of each distinct text, and how well."""

    model: TextHeads
    encoder: str
    """Its folder."""
    vectors: NDArray[np.float32]
    """(distinct texts, D)."""
    log_probabilities: NDArray[np.float32]
    """(distinct texts, classes of all heads)."""
    taught: NDArray[np.int64]
    """(N,): which of the distinct texts each lesson has."""
    computed: int
    """Texts that no journal knew."""
    cached: int
    """Steps that came from a checkpoint."""
    rows: list[dict[str, Any]]
    """How often it is right."""
    near: str
    """What it takes classes for, as CSV."""

    def named(self, lesson: Lesson, heads: Heads) -> dict[str, float]:
        """Return the share of the lessons whose class each head names."""
        parts = _parts(self.log_probabilities[self.taught], heads)
        return {
            head: round(float((part.argmax(1) == lesson.wanted[:, place]).mean()), 6)
            for place, (head, part) in enumerate(zip(heads, parts, strict=True))
        }


def learn(name: str, params: Texts, heads: Heads, lesson: Lesson, test: Lesson) -> Learnt:
    """Teach heads on texts, and test them on others next to what keywords tell.

    Raises:
        InputError: a class to show is in no list, or there is no such encoder.
    """
    _known(params, heads)
    encoder = str(model_folder(params.encoder, params.revision))
    accelerator = start(params.recipe)
    with Journal("embed", KIND) as journal:
        sentences = Sentences(
            encoder, journal, progress=f"teach {name}, texts", precision=params.precision, pooling=params.pooling
        )
        taught, asked = sentences.rows(lesson.texts), sentences.rows(test.texts)
        vectors, computed = sentences.vectors, sentences.computed
    source = Vectors(vectors, taught, lesson.wanted)
    model, fitted = learn_heads(accelerator, source, heads, params.recipe, f"teach {name}")
    found = log_probabilities(model, vectors, sizes(heads))
    named = np.stack([part.argmax(1) for part in _parts(found[asked], heads)], axis=1)
    keywords = np.stack([longest(test.texts, classes) for classes in heads.values()], axis=1)
    table = rows(
        name,
        right(named, test.wanted, list(heads)),
        right(keywords, test.wanted, list(heads)),
        np.isin(test.texts, lesson.texts),
        test.people,
        Level(params.confidence, params.assumed_icc),
    )
    near: list[dict[str, Any]] = []
    for place, (head, part) in enumerate(zip(heads, _parts(found[taught], heads), strict=True)):
        asked_of = params.nearest.get(head, [])
        shown = nearest(_softened(part), heads[head], asked_of, lesson.wanted[:, place], params.shown)
        near += [{"head": head, **rounded(row, 4)} for row in shown]
    text = csv_text(pl.DataFrame(near)) if near else ""
    return Learnt(model, encoder, vectors, found, taught, computed, fitted.cached, table, text)


def _parts(found: NDArray[np.float32], heads: Heads) -> list[NDArray[np.float32]]:
    return np.split(found, np.cumsum(sizes(heads))[:-1], axis=1)


def _softened(said: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return log-probabilities at the paper's temperature."""
    logits = said.astype(np.float64) / TEMPERATURE
    return np.asarray(logits - np.log(np.exp(logits).sum(1, keepdims=True)), np.float32)


def _known(params: Texts, heads: Heads) -> None:
    for head, asked in params.nearest.items():
        if head not in heads:
            raise InputError(
                f"no such head: {head}", file="params/recipes", key=f"nearest.{head}", do=f"name one of {list(heads)}"
            )
        if unknown := sorted(set(asked) - set(heads[head])):
            raise InputError(
                f"no such class: {', '.join(unknown)}",
                file="params/recipes",
                key=f"nearest.{head}",
                do=f"name some of {', '.join(list(heads[head])[:5])} ...",
            )
