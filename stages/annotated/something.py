"""Something-Something V2 (Goyal et al., ICCV 2017) and Something-Else (Materzynska et al., CVPR 2020): lists in JSON.

A row has an id, a label in words ("putting box on table"), its template ("Putting [something] on [something]") and what
fills the placeholders. The class is the template without brackets; `labels.json` numbers the 174 of them.
Something-Else splits the same videos so that train and validation objects differ.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stages.annotated.base import Annotations, Segment
from stages.base.errors import InputError
from stages.base.paths import fetch
from stages.base.tables import read_json

#: How the files' names end; the part that validates here tests, for the test part has no public labels.
PARTS = {"train": "train.json", "test": "validation.json"}
LABELS = "labels.json"


def read(folder: Path) -> Annotations:
    """Return the segments of the lists in a folder.

    Raises:
        InputError: a file is missing, or a row lacks an id, a label, or a template of the class list.
    """
    path = _found(folder, LABELS)
    numbers = read_json(path)
    if not isinstance(numbers, dict) or not numbers:
        raise InputError("expected an object from template to number", file=path, do="fetch it again")
    by_number = sorted((_number(path, name, number), name) for name, number in numbers.items())
    if [number for number, _ in by_number] != list(range(len(by_number))):
        raise InputError("numbers are not 0, 1, 2, ... each once", file=path, do="fetch it again")
    classes = [name for _, name in by_number]
    segments: list[Segment] = []
    objects: dict[str, set[str]] = {}
    for part, name in PARTS.items():
        rows = read_json(_found(folder, name))
        if not isinstance(rows, list):
            raise InputError("expected a list", file=folder / name, do="fetch it again")
        of_part = [segment(folder / name, place, row, part, numbers) for place, row in enumerate(rows)]
        objects[part] = {thing for one in of_part for thing in one.objects}
        segments += of_part
    both = sorted(objects["train"] & objects["test"])
    said = f"{len(objects['train'])} objects in train, {len(objects['test'])} in validation, {len(both)} in both"
    notes = (f"{said}: {', '.join(both[:5])}{' ...' if len(both) > 5 else ''}" if both else said,)
    return Annotations(segments, classes, [], [], notes=notes)


def segment(file: Path, place: int, row: Any, part: str, numbers: dict[str, Any]) -> Segment:
    """Return an entry as a segment.

    Raises:
        InputError: see `read`.
    """

    def text(key: str) -> str:
        value = row.get(key) if isinstance(row, dict) else None
        value = str(value) if isinstance(value, int) else value
        if not isinstance(value, str) or not value.strip():
            raise InputError("no text here", file=file, row=place, key=key, do="fetch the file again")
        return value.strip()

    # Some lists spell it so, some rows of them only.
    found = [row[key] for key in ("placeholders", "new_placeholdes", "new_placeholders") if row.get(key)] or [[]]
    if not isinstance(found[0], list) or not all(isinstance(thing, str) for thing in found[0]):
        raise InputError("no list of texts", file=file, row=place, key="placeholders", do="fetch the file again")
    template = text("template").replace("[", "").replace("]", "")
    if template not in numbers:
        raise InputError(
            f"{template!r} is not in the class list", file=file, row=place, key="template", do="see labels.json"
        )
    name = text("id")
    return Segment(name, name, part, template, text("label"), objects=tuple(found[0]))


def _number(path: Path, name: str, number: Any) -> int:
    if not str(number).isdigit():
        raise InputError(f"{number!r} is no number", file=path, key=name, do="fetch it again")
    return int(number)


def _found(folder: Path, ending: str) -> Path:
    """Return the file of a folder whose name ends so: releases have prefixes of their own."""
    listed = sorted(path for path in folder.glob("*.json") if path.name.endswith(ending))
    if len(listed) != 1:
        shown = ", ".join(path.name for path in listed) or "none"
        raise InputError(
            f"one file whose name ends in {ending} is needed, there are: {shown}", file=folder, do=fetch(folder)
        )
    return listed[0]
