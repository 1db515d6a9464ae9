"""The small rendered clips of tests/train, with narrations, verbs and nouns, and params of teachers and students."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stages.base.actions import action
from stages.base.paths import Run
from stages.base.schema import MANIFEST
from stages.base.tables import read_table, write_table
from stages.labels.classes import class_list, write_classes
from stages.text.model import PACKAGED
from tests.stage import Workplace
from tests.train import small

PAIRS = {"Drink_Fromcup": ("drink", "cup"), "Enter": ("go", "door"), "Walk": ("go", "floor")}
SAID = {"Drink_Fromcup": "sip from the cup", "Enter": "come in by the door", "Walk": "pace the floor"}
RECIPE: dict[str, Any] = {"seed": 0, "threads": 1, "epochs": 10, "batch": 8, "rate": 0.05, "weight_decay": 0}


def prepare(place: Workplace, factory: pytest.TempPathFactory) -> None:
    """Render, ingest, and say of each clip what it shows."""
    small.prepare(place, factory)
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
    write_table(Run("home").manifest, rows, MANIFEST)
    pairs = {row["labels"][0]: (row["verb"], row["noun"]) for row in rows}
    write_classes(Run("home"), class_list((row["labels"] for row in rows), "single", pairs))


def language(**changed: Any) -> dict[str, Any]:
    """Return the recipe of a language teacher."""
    return {"teacher": "language", "heads": "verb_noun", "encoder": PACKAGED, "recipe": RECIPE, **changed}


def student(**changed: Any) -> dict[str, Any]:
    """Return the recipe of a student of verbs and nouns."""
    return {**small.params(), "heads": "verb_noun", "distillation": {}, **changed}


def values(recipes: dict[str, Any]) -> dict[str, Any]:
    """Return params.yaml with these recipes."""
    return small.values(recipes)
