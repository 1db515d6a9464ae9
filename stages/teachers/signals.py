"""Teachers as folders: `signals.parquet` (table SIGNALS) and `teacher.json`, which says whose classes and texts.

A teacher may come from anywhere. What makes it fit a student is the fingerprint: of the classes in their order, and of
what the student's train clips are called and labelled. `python -m stages.teachers.fingerprint` prints it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from stages.base.errors import InputError
from stages.base.params import Params
from stages.base.paths import fetch
from stages.base.schema import SIGNALS
from stages.base.tables import read_json, read_table, write_json, write_table
from stages.labels.words import in_words
from stages.learn.data import Clip
from stages.teachers.folders import ABOUT
from stages.teachers.heads import Heads, named

TABLE = "signals.parquet"
#: What a row is of: a text, which several clips may share, or a clip.
By = Literal["narration", "label", "clip"]


class About(Params):
    """`teacher.json`."""

    by: By
    """A row a distinct narration, a row a label (its words), or a row a clip (its clip_id)."""
    heads: list[tuple[str, list[str]]]
    """Each head with its classes, both in the order of `log_probabilities`; a list, as JSON's objects have no order."""
    fingerprint: str
    """See `fingerprint`."""
    teacher: dict[str, Any] = Field(default_factory=dict)
    """What it is: for the reader."""

    @classmethod
    def of(cls, by: By, heads: Heads, said: Iterable[tuple[str, Sequence[str]]], **teacher: Any) -> About:
        """Return what a teacher of these heads on these lessons says of itself."""
        ordered = [(head, list(classes)) for head, classes in heads.items()]
        return cls(by=by, heads=ordered, fingerprint=fingerprint(heads, said), teacher=teacher)


class Teacher(NamedTuple):
    """A teacher's table, ready to be asked."""

    folder: Path
    about: About
    row: dict[str, int]
    """Key -> row."""
    log_probabilities: NDArray[np.float32]
    """(rows, classes of all heads)."""
    embedding: NDArray[np.float32] | None
    """(rows, D)."""


def key_of(clip: Clip, by: By, manifest: Path) -> str:
    """Return what a clip is called in a table.

    Raises:
        InputError: it has no narration, or its label no words.
    """
    if by == "clip":
        return clip.clip_id
    text = clip.narration if by == "narration" else in_words(clip.labels[0])
    if not (text or "").strip():
        what = "the clip has no narration" if by == "narration" else f"the label {clip.labels[0]!r} has no words"
        do = "add one, or take a teacher by label" if by == "narration" else "add it to stages/labels/words.py"
        raise InputError(what, file=manifest, row=clip.clip_id, key=by, do=do)
    return str(text)


def fingerprint(heads: Heads, lessons: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Return the hash of heads, classes and their order, and of the distinct (key, class of each head)."""
    distinct = sorted({(key, tuple(classes)) for key, classes in lessons})
    said = {"heads": [[head, list(classes)] for head, classes in heads.items()], "lessons": distinct}
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def lessons(clips: Sequence[Clip], heads: Heads, by: By, manifest: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Return what each clip is called and named."""
    return [(key_of(clip, by, manifest), named(clip, heads)) for clip in clips]


def write(folder: Path, about: About, keys: Sequence[str], log_probabilities: Any, embedding: Any | None) -> None:
    """Write a teacher of distinct keys: (N, classes) and (N, D)."""
    none: list[Any] = [None] * len(keys)
    columns = {
        "key": list(keys),
        "fingerprint": [about.fingerprint] * len(keys),
        "log_probabilities": list(np.asarray(log_probabilities, np.float32)),
        "embedding": none if embedding is None else list(np.asarray(embedding, np.float32)),
    }
    floats = pl.List(pl.Float32)
    types: dict[str, Any] = {"key": pl.String, "fingerprint": pl.String, "log_probabilities": floats}
    write_table(folder / TABLE, pl.DataFrame(columns, schema={**types, "embedding": floats}), SIGNALS)
    write_json(folder / ABOUT, about.model_dump(mode="json"))


def read(folder: Path) -> Teacher:
    """Return a teacher.

    Raises:
        InputError: there is none, it is damaged, or table and teacher.json do not belong together.
    """
    if not (folder / ABOUT).exists():
        raise InputError(
            "no teacher here", file=folder / ABOUT, do=f"name a folder that the stage teach wrote; {fetch(folder)}"
        )
    try:
        about = About.model_validate(read_json(folder / ABOUT))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(first["msg"], file=folder / ABOUT, key=key, do="see `About` in teachers/signals.py") from None
    path = folder / TABLE
    table = read_table(path, SIGNALS)
    width = sum(len(classes) for _, classes in about.heads)
    other = table.filter(pl.col("fingerprint") != about.fingerprint)
    if len(other):
        raise InputError(
            f"its fingerprint is {other['fingerprint'][0]}, {ABOUT} says {about.fingerprint}",
            file=path,
            row=other["key"][0],
            do="table and teacher.json are of two teachers: bring those that were written together",
        )
    odd = table.filter(pl.col("log_probabilities").list.len() != width)
    if len(odd):
        raise InputError(
            f"has {len(odd['log_probabilities'][0])} numbers, its heads have {width} classes",
            file=path,
            row=odd["key"][0],
            key="log_probabilities",
            do="write one for each class",
        )
    found = _matrix(path, table, "log_probabilities")
    with_embedding = table["embedding"].null_count() == 0 and len(table) > 0
    rows = {key: row for row, key in enumerate(table["key"])}
    return Teacher(folder, about, rows, found, _matrix(path, table, "embedding") if with_embedding else None)


def _matrix(path: Path, table: pl.DataFrame, column: str) -> NDArray[np.float32]:
    lengths = table[column].list.len().unique().to_list()
    flat = table[column].explode().to_numpy().astype(np.float32) if len(table) else np.empty(0, np.float32)
    if len(lengths) > 1 or not np.isfinite(flat).all():
        raise InputError(
            "rows of several lengths, or a number that is none",
            file=path,
            key=column,
            do="write the same number of finite numbers for each key",
        )
    return flat.reshape(len(table), -1)


def rows_for(teacher: Teacher, clips: Sequence[Clip], heads: Heads, manifest: Path) -> NDArray[np.int64]:
    """Return the teacher's row of each train clip, (N,).

    Raises:
        InputError: it was taught other classes, these in another order, or other texts: its fingerprint is another.
    """
    about = teacher.about
    said = lessons(clips, heads, about.by, manifest)
    wanted = fingerprint(heads, said)
    if about.fingerprint != wanted:
        raise InputError(
            f"its fingerprint is {about.fingerprint}, the student's is {wanted}: {_difference(teacher, heads, said)}",
            file=teacher.folder / ABOUT,
            key="fingerprint",
            do="teach it again on this data set and protocol (python -m stages.teach); for a table from elsewhere, "
            "`python -m stages.teachers.fingerprint` says what it must be for",
        )
    absent = next((key for key, _ in said if key not in teacher.row), None)
    if absent is not None:
        raise InputError(
            "the table has no such key", file=teacher.folder / TABLE, row=absent, do="write a row for each of them"
        )
    return np.array([teacher.row[key] for key, _ in said], np.int64)


def _difference(teacher: Teacher, heads: Heads, said: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Say in words what two fingerprints differ by."""
    own = dict(teacher.about.heads)
    if list(own) != list(heads):
        return f"its heads are {', '.join(own)}, the student's {', '.join(heads)}"
    for head, classes in heads.items():
        if sorted(own[head]) != sorted(classes):
            only = sorted(set(own[head]) ^ set(classes))
            return f"other classes of {head} ({', '.join(only[:3])}{' ...' if len(only) > 3 else ''})"
        if list(own[head]) != list(classes):
            first = next(place for place, pair in enumerate(zip(own[head], classes, strict=True)) if pair[0] != pair[1])
            return f"classes of {head} in another order (place {first}: {own[head][first]}, not {classes[first]})"
    what = {"narration": "narrations", "label": "labels", "clip": "clips"}[teacher.about.by]
    keys = {key for key, _ in said}
    odd = sorted(keys ^ set(teacher.row))
    if odd:
        return f"{len(odd)} {what} that only one of the two has, such as {odd[0]!r}"
    return f"the same {what}, which name other classes"
