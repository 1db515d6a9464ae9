"""A teacher on published lists of narrations, tested on another one, from files to tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.torch import save_file

from stages.annotated.cells import read_cells
from stages.annotated.epic_kitchens import NOUNS, VERBS, Narrations, read_classes, read_narrations
from stages.base.tables import write_text
from stages.teach.exam import Lesson, learn
from stages.teach.language import Taught
from stages.teach.params import Narrations as NarrationsParams
from stages.teachers.heads import Heads


def teach(name: str, params: NarrationsParams, lists: Path, folder: Path) -> Taught:
    """Teach on lists in a folder, name the narrations of another, and write the teacher's folder.

    It has heads (model.safetensors) and what they take classes for (nearest.csv), and no table for students: these
    lists are of no clips.

    Raises:
        InputError: a file is missing or wrong, or a class to show is in no list.
    """
    verbs, nouns = read_classes(lists / VERBS), read_classes(lists / NOUNS)
    heads: Heads = {"verb": verbs.names, "noun": nouns.names}
    taught = read_narrations([lists / file for file in params.train], verbs, nouns)
    tested = read_narrations([lists / params.test], verbs, nouns)
    people = [line.text("participant_id") for line in read_cells(lists / params.test, ("participant_id",))]
    did = learn(name, params, heads, _lesson(taught, []), _lesson(tested, people))
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {key: value.cpu().contiguous() for key, value in did.model.state_dict().items()}, folder / "model.safetensors"
    )
    write_text(folder / "nearest.csv", did.near)
    new = next((row for row in did.rows if row["part"] == "new" and row["head"] == "action"), None)
    said = f"{new['accuracy']:.3f} (keywords {new['keywords']:.3f})" if new else "there are none"
    words = f"{len(did.vectors)} texts, {did.computed} embedded; actions of new narrations named: {said}"
    return Taught(words, did.cached, did.rows)


def _lesson(narrations: Narrations, people: list[str]) -> Lesson:
    return Lesson(narrations.texts, np.array([narrations.verbs, narrations.nouns], np.int64).T.copy(), people)
