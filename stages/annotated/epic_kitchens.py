"""EPIC-KITCHENS-100 (Damen et al., IJCV 2022): its CSV files as published, narrations with verb and noun classes.

https://github.com/epic-kitchens/epic-kitchens-100-annotations. Participants narrated in free words; each narration was
put into one of 97 verb and, by its first noun, into one of 300 noun classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from stages.annotated.base import Annotations, Segment
from stages.annotated.cells import Cells, read_cells
from stages.base.actions import action
from stages.base.errors import InputError

VERBS, NOUNS = "EPIC_100_verb_classes.csv", "EPIC_100_noun_classes.csv"
#: The full training list and the validation list, which tests here.
PARTS = {"train": "EPIC_100_train.csv", "test": "EPIC_100_validation.csv"}
UNSEEN = "EPIC_100_unseen_participant_ids_validation.csv"
TAILS = {"verb": "EPIC_100_tail_verbs.csv", "noun": "EPIC_100_tail_nouns.csv"}
SEGMENT = (
    "narration_id",
    "participant_id",
    "video_id",
    "start_timestamp",
    "stop_timestamp",
    "start_frame",
    "stop_frame",
    "narration",
    "verb",
    "verb_class",
    "noun",
    "noun_class",
    "all_nouns",
    "all_noun_classes",
)
#: Videos of 2020 (`P01_101`) have 50 frames a second, the older ones (`P01_11`) 59.94.
NEW, OLD = 50.0, 59.94
#: Words that are not among the words of their class: slips in single rows, or classes in another order.
SLIPS = 0.01


class Classes(NamedTuple):
    """A class list: names in the order of their numbers, and the words that each stands for."""

    file: Path
    names: list[str]
    words: list[frozenset[str]]


def read_classes(path: Path) -> Classes:
    """Return verb or noun classes.

    Raises:
        InputError: numbers are not 0, 1, 2, ... each once, or a class has no name, or another's.
    """
    lines = read_cells(path, ("id", "key", "instances"))
    by_number: dict[int, Cells] = {}
    for line in lines:
        number = line.whole("id")
        if number in by_number:
            raise line.error(f"class {number} is in row {by_number[number].row} already", "id", "remove one of them")
        by_number[number] = line
    if sorted(by_number) != list(range(len(by_number))):
        absent = next(number for number in range(len(by_number) + 1) if number not in by_number)
        raise InputError(f"there is no class {absent}", file=path, key="id", do="number classes from 0 without gaps")
    names: dict[str, int] = {}
    for number in range(len(by_number)):
        name = by_number[number].text("key")
        if name in names:
            raise by_number[number].error(f"{name!r} is class {names[name]} already", "key", "name each class once")
        names[name] = number
    words = [frozenset(map(str, by_number[number].listed("instances", str))) for number in range(len(by_number))]
    return Classes(path, list(names), words)


def read(folder: Path) -> Annotations:
    """Return the segments of the lists that are in a folder, with the published lists of unseen participants and tails.

    Raises:
        InputError: a file is missing, or a row has no number, a time that is none, an end that is not after its start,
            a list that does not parse, a class that there is not; or the classes are in another order.
    """
    verbs, nouns = read_classes(folder / VERBS), read_classes(folder / NOUNS)
    if not any((folder / name).exists() for name in PARTS.values()):
        read_cells(folder / PARTS["test"], SEGMENT)  # says what is missing
    segments: list[Segment] = []
    slips: list[str] = []
    for part, name in PARTS.items():
        if (folder / name).exists():
            lines = read_cells(folder / name, SEGMENT)
            segments += [segment(line, part, verbs, nouns) for line in lines]
            slips += misplaced(lines, "verb", verbs, "verb_class") + misplaced(lines, "noun", nouns, "noun_class")
    unseen = [line.text("participant_id") for line in read_cells(folder / UNSEEN, ("participant_id",))]
    tails = {kind: tail(folder / name, kind, verbs if kind == "verb" else nouns) for kind, name in TAILS.items()}
    notes = (f"words that are not among those of their class: {', '.join(slips)}",) if slips else ()
    classes = sorted({one.label for one in segments})
    return Annotations(
        segments, classes, verbs.names, nouns.names, frozenset(unseen), tails["verb"], tails["noun"], notes
    )


def segment(line: Cells, part: str, verbs: Classes, nouns: Classes) -> Segment:
    """Return a row as a segment.

    Raises:
        InputError: see `read`.
    """
    start, end = line.clock("start_timestamp"), line.clock("stop_timestamp")
    if end <= start:
        said = f"{line.fields['stop_timestamp']} is not after start {line.fields['start_timestamp']}"
        raise line.error(said, "stop_timestamp", "correct the two, or remove the row")
    first, last = line.whole("start_frame"), line.whole("stop_frame")
    if last <= first:
        raise line.error(f"{last} is not after start {first}", "stop_frame", "correct the two, or remove the row")
    verb, noun = named(line, "verb_class", verbs), named(line, "noun_class", nouns)
    all_nouns, numbers = line.listed("all_nouns", str), line.listed("all_noun_classes", int)
    if len(all_nouns) != len(numbers):
        raise line.error(f"{len(numbers)} classes of {len(all_nouns)} nouns", "all_noun_classes", "give one for each")
    video = line.text("video_id")
    return Segment(
        clip_id=line.text("narration_id"),
        recording=video,
        part=part,
        label=action(verb, noun),
        narration=line.text("narration"),
        start=start,
        end=end,
        subject=line.text("participant_id"),
        verb=verb,
        noun=noun,
        objects=tuple(all_nouns),
        frames=last - first,
        fps=rate(video),
    )


def rate(video: str) -> float:
    """Return the frame rate of a video by its name."""
    return NEW if len(video.rpartition("_")[2]) == 3 else OLD


def named(line: Cells, key: str, classes: Classes) -> str:
    """Return the class that a cell numbers.

    Raises:
        InputError: the list has no such class.
    """
    number = line.whole(key)
    if number >= len(classes.names):
        last = len(classes.names) - 1
        raise line.error(f"there is no class {number}", key, f"{classes.file} has classes 0 to {last}")
    return classes.names[number]


def misplaced(lines: Sequence[Cells], word: str, classes: Classes, key: str) -> list[str]:
    """Return the rows whose word is not among those of their class.

    Raises:
        InputError: they are more than slips: the classes are in another order.
    """
    odd = [line for line in lines if line.fields[word] not in classes.words[line.whole(key)]]
    if len(odd) > max(1, SLIPS * len(lines)):
        line = odd[0]
        raise line.error(
            f"{line.fields[word]!r} is class {line.fields[key]}, which {classes.file} calls "
            f"{classes.names[line.whole(key)]!r}, and so in {len(odd)} of {len(lines)} rows",
            key,
            "annotations and class list have their classes in different orders: take both of one version",
        )
    return [f"{line.file.name} row {line.row} ({line.fields[word]})" for line in odd]


def tail(path: Path, kind: str, classes: Classes) -> frozenset[str]:
    """Return the published rare classes."""
    return frozenset(named(line, kind, classes) for line in read_cells(path, (kind,)))


class Narrations(NamedTuple):
    """Narrations with the numbers of their classes, in their files' order."""

    texts: list[str]
    verbs: list[int]
    nouns: list[int]


def read_narrations(paths: Iterable[Path], verbs: Classes, nouns: Classes) -> Narrations:
    """Return what files of narrations say; of several nouns the first.

    A file is a list of segments, or the retrieval challenge's list of sentences, which has `noun_classes`.

    Raises:
        InputError: a narration is empty, of no class, or of a class that there is not.
    """
    found = Narrations([], [], [])
    for path in paths:
        lines = read_cells(path, ("narration", "verb_class"))
        several = bool(lines) and "noun_classes" in lines[0].fields
        lines = read_cells(path, ("narration", "verb_class", "noun_classes" if several else "noun_class"))
        for line in lines:
            named(line, "verb_class", verbs)
            if several:
                numbers = line.listed("noun_classes", int)
                if not numbers or not 0 <= numbers[0] < len(nouns.names):
                    raise line.error(f"no class of {nouns.file} in {numbers}", "noun_classes", "name one")
                noun = numbers[0]
            else:
                named(line, "noun_class", nouns)
                noun = line.whole("noun_class")
            found.texts.append(line.text("narration"))
            found.verbs.append(line.whole("verb_class"))
            found.nouns.append(noun)
    return found
