"""From a run's tables to the null models' rows of table PREDICTIONS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from stages.base.errors import InputError
from stages.base.journal.store import Journal
from stages.base.paths import Run
from stages.base.schema import CAPTIONS, MANIFEST, PREDICTIONS, SPLITS
from stages.base.tables import read_json, read_table
from stages.labels.classes import ClassList
from stages.labels.words import in_words
from stages.nulls.constant import Constant, constants
from stages.nulls.draw import exchange
from stages.nulls.params import NullParams
from stages.nulls.sentence import every_class
from stages.text.sentences import KIND, Sentences

Row = dict[str, Any]


class Labelled(NamedTuple):
    """The usable clips with a label, sorted."""

    labels: dict[str, list[str]]
    """Clip -> its labels."""
    tested: frozenset[str]
    """Those in a test part of some protocol."""


class Nulls(NamedTuple):
    """The rows of each null model, and what a stage says of them."""

    rows: Mapping[str, Iterable[Row]]
    clips: int
    constant: str
    """What `null_constant` says of every clip; of several answers the one of similarity."""
    known: int
    """Embeddings that the journal had."""


def sentences(run: Run, params: NullParams, classes: ClassList) -> Nulls:
    """Return the null models that answer in words.

    Raises:
        InputError: no encoder is named, no clip has a label, or there are no captions or answers to take.
    """
    if params.encoder is None:
        raise InputError(
            "clips have one label each, and the null models answer in sentences",
            key=f"nulls.{run.name}.encoder",
            do="name the sentence encoder that finds the caption of null_constant",
        )
    clips = labelled(run)
    keywords: Mapping[str, list[str]] = read_json(run.keywords)["classes"]
    with Journal("embed", KIND) as journal:
        embedded = Sentences(params.encoder, journal, progress="nulls, texts", precision=params.precision)
        said, where = chosen(run, clips, keywords, embedded, classes)
    named = {name: keywords[name] for name in classes.names}
    tables = {
        "null_constant": by_metric(clips, said, where),
        "null_every_class": same_text(clips, every_class(named), None),
        "null_shuffled": shuffled(run, clips, params, classes),
        "references": references(run, clips),
    }
    return Nulls(tables, len(clips.tested), repr(said[0].text), len(embedded.vectors) - embedded.computed)


def labelled(run: Run) -> Labelled:
    """Return the usable clips that have a label.

    Raises:
        InputError: there is none.
    """
    manifest = read_table(run.manifest, MANIFEST).filter(pl.col("error").is_null() & (pl.col("labels").list.len() > 0))
    if manifest.is_empty():
        raise InputError("no usable clip has a label", file=run.manifest, do="null models need classes")
    labels = dict(zip(manifest["clip_id"], manifest["labels"].to_list(), strict=True))
    return Labelled(labels, tested(run) & labels.keys())


def tested(run: Run) -> frozenset[str]:
    """Return the clips that are in a test part of some protocol, usable or not."""
    return frozenset(read_table(run.splits, SPLITS).filter(pl.col("part") == "test")["clip_id"])


def chosen(
    run: Run, clips: Labelled, keywords: Mapping[str, list[str]], sentences: Sentences, classes: ClassList
) -> tuple[list[Constant], str]:
    """Return what `null_constant` says, a caption for each metric, and on which clips they were chosen.

    They are chosen on clips that are in no protocol's test part, so that they know nothing of what is tested. Where
    every clip is tested by some fold (leave one subject out), it is all of them, which only makes them stronger. Where
    nobody writes captions they are chosen among what the manifest narrates, and without narrations among the classes in
    words.
    """
    captions = read_table(run.captions, CAPTIONS).select("clip_id", "text")
    if captions.is_empty():
        manifest = read_table(run.manifest, MANIFEST).select("clip_id", "narration")
        told = {clip: text for clip, text in manifest.iter_rows() if clip in clips.labels and text}
        texts = told or {clip: " and ".join(map(in_words, labels)) for clip, labels in clips.labels.items()}
    else:
        texts = {clip: text for clip, text in captions.iter_rows() if clip in clips.labels and text}
    pool = {clip: text for clip, text in texts.items() if clip not in clips.tested}
    where = f"chosen on {len(pool)} clips that no protocol tests on"
    if not pool:
        pool, where = texts, f"chosen on all {len(texts)} clips: each is in a test part"
    if not pool:
        raise InputError("no reference caption", file=run.captions, do="run the stage caption")
    labels = [clips.labels[clip] for clip in pool]
    words = {name: classes.words[name] for name in classes.among(labels, run)}
    return constants(list(pool.values()), labels, keywords, words, sentences), where


def by_metric(clips: Labelled, said: Sequence[Constant], where: str) -> Iterator[Row]:
    """Yield the rows of `null_constant`: the same texts for every tested clip, one for each metric."""
    for repeat, one in enumerate(said):
        for row in same_text(clips, one.text, f"{where}: {one.why}"):
            yield {**row, "repeat": repeat, "metric": one.metric}


def same_text(clips: Labelled, text: str, detail: str | None) -> Iterator[Row]:
    """Yield a row of the same text for every tested clip; what is said of another would be judged for nothing."""
    for clip in sorted(clips.tested):
        yield {"clip_id": clip, "repeat": 0, "text": text, "status": "ok", "detail": detail}


def references(run: Run, clips: Labelled) -> Iterator[Row]:
    """Yield the reference captions as answers: no null model, but what other answers are compared with."""
    for clip, text, revision in read_table(run.captions, CAPTIONS).select("clip_id", "text", "revision").iter_rows():
        if clip in clips.tested:
            yield {
                "clip_id": clip,
                "repeat": 0,
                "text": text,
                "status": "ok" if text else "missing",
                "revision": revision,
            }


def shuffled(run: Run, clips: Labelled, params: NullParams, classes: ClassList) -> Iterator[Row]:
    """Yield rows whose texts were exchanged between clips of different classes, `params.repeats` times.

    Each repeat takes the next of `params.models` in turn. A clip without an answer takes no part in the exchange.
    """
    answers = {model: _texts(run, model, clips.labels, classes) for model in params.models}
    for repeat in range(params.repeats):
        model = params.models[repeat % len(params.models)]
        texts = answers[model]
        names = sorted(texts)
        codes = ["+".join(clips.labels[clip]) for clip in names]
        if len(set(codes)) < 2:
            raise InputError("all answers are about one class", file=run.predictions(model), do="nothing to exchange")
        donors = exchange(codes, np.random.default_rng([params.seed, repeat]))
        for clip, donor in zip(names, donors, strict=True):
            source = names[donor]
            yield {
                "clip_id": clip,
                "repeat": repeat,
                "text": texts[source],
                "status": "ok",
                "detail": f"{model}: {source}",
            }


def _texts(run: Run, model: str, labels: Mapping[str, list[str]], classes: ClassList) -> dict[str, str]:
    """Return what a method said of each clip; of one that names classes and says nothing, the classes in words."""
    file = run.predictions(model)
    rows = read_table(file, PREDICTIONS).filter(pl.col("repeat") == 0).select("clip_id", "text", "labels")
    texts = {}
    for clip, text, named in rows.iter_rows():
        if clip in labels and (text is not None or named):
            texts[clip] = text if text is not None else " and ".join(classes.words.get(name, name) for name in named)
    if not texts:
        raise InputError("no answers to exchange", file=file, do="name methods that answer under nulls.models")
    return texts
