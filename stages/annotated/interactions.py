"""Two people who do something with each other: a list of clips, each with a class and a sentence, and a class list.

`interactions.csv` has a clip a row, `classes.csv` a class: kind `unseen` where it only tests. The list's own promises
are checked: no person is in two parts, and no unseen class is in another part than test.
"""

from __future__ import annotations

from pathlib import Path

from stages.annotated.base import Annotations, Segment
from stages.annotated.cells import Cells, read_cells

CLIPS, CLASSES = "interactions.csv", "classes.csv"
COLUMNS = (*("clip_id", "file", "part", "label", "sentence", "person_1", "person_2", "room", "camera", "passers_by"),)
PARTS = ("train", "validation", "test")
KINDS = ("seen", "unseen")


def read(folder: Path) -> Annotations:
    """Return the clips of the lists in a folder; a clip's subject is its pair of people, whoever is on which side.

    Raises:
        InputError: a file or column is missing, a class is listed twice or not at all, a clip has no label, sentence
            or person, a part that there is not, one person twice, or a person or a class that its part may not have.
    """
    kinds: dict[str, str] = {}
    for line in read_cells(folder / CLASSES, ("label", "interaction", "kind")):
        label = line.text("label")
        if label in kinds:
            raise line.error(f"{label!r} is listed already", "label", "name each class once")
        kinds[label] = _one_of(line, "kind", KINDS)
    parts: dict[str, str] = {}
    segments = [segment(line, kinds, parts, folder) for line in read_cells(folder / CLIPS, COLUMNS)]
    unseen = sorted(name for name, kind in kinds.items() if kind == "unseen")
    notes = (f"{len(unseen)} classes only test: {', '.join(unseen)}",) if unseen else ()
    return Annotations(segments, list(kinds), [], [], notes=notes)


def segment(line: Cells, kinds: dict[str, str], parts: dict[str, str], folder: Path) -> Segment:
    """Return a row as a segment; `kinds` has each class, `parts` each person's part so far and takes this row's.

    Raises:
        InputError: see `read`.
    """
    label, part = line.text("label"), _one_of(line, "part", PARTS)
    if label not in kinds:
        known = ", ".join(sorted(kinds))
        raise line.error(f"no such class: {label!r}", "label", f"{folder / CLASSES} has {known or 'none'}")
    if kinds[label] == "unseen" and part != "test":
        raise line.error(f"{label!r} only tests, by {folder / CLASSES}", "part", "move the clip to test, or the class")
    people = (line.text("person_1"), line.text("person_2"))
    if people[0] == people[1]:
        raise line.error(f"both are {people[0]}", "person_2", "name the two people")
    for key, person in zip(("person_1", "person_2"), people, strict=True):
        if parts.setdefault(person, part) != part:
            raise line.error(
                f"{person} is in the {parts[person]} part too", key, "keep each person in one part, or rename one"
            )
    line.whole("passers_by")
    return Segment(
        clip_id=line.text("clip_id"),
        recording=line.text("file").rpartition(".")[0] or line.text("file"),
        part=part,
        label=label,
        narration=line.text("sentence"),
        subject="+".join(sorted(people)),
        camera=line.text("camera"),
    )


def _one_of(line: Cells, key: str, known: tuple[str, ...]) -> str:
    said = line.text(key)
    if said not in known:
        raise line.error(f"{said!r} is none of {', '.join(known)}", key, "write one of them")
    return said
