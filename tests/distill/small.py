"""The small rendered clips of tests/train, with narrations, verbs and nouns, and params of teachers and students."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from stages.base.actions import action
from stages.base.paths import Run
from stages.base.schema import MANIFEST
from stages.base.tables import read_table, write_table
from stages.text.model import PACKAGED
from tests.stage import Workplace
from tests.train import small

PAIRS = {"Drink_Fromcup": ("drink", "cup"), "Enter": ("go", "door"), "Walk": ("go", "floor")}
SAID = {"Drink_Fromcup": "sip from the cup", "Enter": "come in by the door", "Walk": "pace the floor"}
RECIPE: dict[str, Any] = {"seed": 0, "threads": 1, "epochs": 10, "batch": 8, "rate": 0.05, "weight_decay": 0}


def prepare(place: Workplace) -> None:
    """Render, ingest, and say of each clip what it shows."""
    small.prepare(place)
    change(lambda row: row)


def change(also: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Write the manifest again, each row changed."""
    table = read_table(Run("home").manifest, MANIFEST)
    rows = []
    for number, row in enumerate(table.iter_rows(named=True)):
        if row["verb"] is None:
            name = row["labels"][0]
            verb, noun = PAIRS[name]
            row |= {"verb": verb, "noun": noun, "labels": [action(verb, noun)]}
            row["narration"] = SAID[name] + (" again" if number % 3 == 0 else "")
        rows.append(also(row))
    write_table(Run("home").manifest, pl.DataFrame(rows, schema=table.schema), MANIFEST)


def language(**changed: Any) -> dict[str, Any]:
    """Return the block of a language teacher."""
    block = {"kind": "language", "protocol": "cs", "heads": "verb_noun", "encoder": PACKAGED, "recipe": RECIPE}
    return {**block, **changed}


def student(**changed: Any) -> dict[str, Any]:
    """Return the block of a student of the teacher `minilm`."""
    return {**small.params(), "heads": "verb_noun", "teachers": ["data/home/models/minilm"], **changed}


def values(teachers: dict[str, Any], students: dict[str, Any], trained: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return params.yaml."""
    return {**small.values(trained or {}), "teach": {"home": teachers}, "distill": {"home": students}}
