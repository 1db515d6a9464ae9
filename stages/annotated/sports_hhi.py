"""SportsHHI (Wu et al., CVPR 2024): at each key frame, pairs of players and what one does to the other.

`sports_{train,val}_v1.csv` have no header and 13 columns: video, frame, the first person's box, the second's (x1 y1 x2
y2, each 0 to 1), label, and both persons' ids. `sports_action_list.pbtxt` names the 34 labels; no text that we have
does, so `taxonomy.yaml` in the same folder says which class each is. A row is an instance, which is what the paper
counts. A clip is the second around its key frame and shows one ordered pair, which may do several things at once.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import NamedTuple

from stages.annotated.base import Annotations, Segment
from stages.base.errors import InputError
from stages.base.paths import fetch
from stages.taxonomy.load import extended
from stages.taxonomy.model import OWN, Taxonomy

SOURCE = "sports_hhi"
PARTS = {"train": "sports_train_v1.csv", "test": "sports_val_v1.csv"}
NAMES = "sports_action_list.pbtxt"
COLUMNS = 13
#: Frames a second, which the lists do not say: those of MultiSports, whose videos these are.
FPS = 25.0
#: Seconds on either side of a key frame: our choice.
AROUND = 0.5

_LABEL = re.compile(r"\{(?P<fields>[^{}]*)\}")
_NAME, _ID = re.compile(r'name:\s*"([^"]+)"'), re.compile(r"(?:label_id|id):\s*(\d+)")


class Instance(NamedTuple):
    """An ordered pair of people at a key frame."""

    video: str
    frame: int
    first: str
    second: str

    @property
    def clip_id(self) -> str:
        """A name of its own."""
        return f"{self.video.replace('/', '_')}_{self.frame:06d}_{self.first}_{self.second}"


def read(folder: Path) -> Annotations:
    """Return the instances of the lists in a folder.

    Raises:
        InputError: a file is missing, a row is not as the module says, or a label is in no taxonomy.
    """
    taxonomy = extended(folder)
    names = label_names(folder / NAMES)
    labels = taxonomy.labels_of(SOURCE)
    if strange := [name for name in names.values() if name not in labels]:
        raise InputError(
            f"{len(strange)} labels have no class: {'; '.join(strange[:5])}",
            file=folder / OWN,
            key=f"sources.{SOURCE}",
            do=f"give each name of {NAMES} a class",
        )
    segments = []
    for part, file in PARTS.items():
        found: dict[Instance, set[str]] = {}
        for one, number in instances(folder / file, names):
            found.setdefault(one, set()).add(labels[names[number]])
        segments += [_segment(one, held, part, taxonomy) for one, held in sorted(found.items())]
    return Annotations(segments, sorted(taxonomy.classes_of(SOURCE)), [], [])


def label_names(path: Path) -> dict[int, str]:
    """Return the label list: number -> name.

    Raises:
        InputError: no such file, or an entry lacks a name or a number, or has another's.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("no such file", file=path, do=fetch(path)) from None
    except UnicodeDecodeError as error:
        raise InputError(f"not text: {error}", file=path, do="fetch it again") from None
    names: dict[int, str] = {}
    for entry, block in enumerate(_LABEL.findall(text), 1):
        name, number = _NAME.search(block), _ID.search(block)
        if not name or not number or int(number[1]) in names or name[1] in names.values():
            raise InputError(
                "a label without name or number, or one that stands twice", file=path, row=entry, do="mend it"
            )
        names[int(number[1])] = name[1]
    if not names:
        raise InputError('no entry as label { name: "..." label_id: 1 }', file=path, do="fetch it again")
    return names


def instances(path: Path, names: dict[int, str]) -> list[tuple[Instance, int]]:
    """Return the rows of a list, with their labels' numbers.

    Raises:
        InputError: no such file, or a row is not as the module says.
    """
    found = []
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            for row, cells in enumerate(csv.reader(stream), 1):
                found.append(_instance(path, row, cells, names))
    except FileNotFoundError:
        raise InputError("no such file", file=path, do=fetch(path)) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"no CSV in UTF-8: {error}", file=path, do="fetch the file again") from None
    return found


def _instance(path: Path, row: int, cells: list[str], names: dict[int, str]) -> tuple[Instance, int]:
    def wrong(what: str, key: str) -> InputError:
        return InputError(what, file=path, row=row, key=key, do="fetch the file again, or remove the row")

    if len(cells) != COLUMNS:
        raise wrong(f"has {len(cells)} cells, expected {COLUMNS}", "row")
    video, frame, *boxes, label, first, second = (cell.strip() for cell in cells)
    try:
        edges = [float(edge) for edge in boxes]
    except ValueError:
        raise wrong("a box's edge is no number", "boxes") from None
    for box in (edges[:4], edges[4:]):
        if not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
            raise wrong(f"{box} is no box of x1 y1 x2 y2 within 0 to 1", "boxes")
    if not video or not first or not second or first == second:
        raise wrong("needs a video and two different people", "video")
    for key, said in (("frame", frame), ("label", label)):
        if not (said.isascii() and said.isdigit()):
            raise wrong(f"{said!r} is no whole number", key)
    if int(label) not in names:
        raise wrong(f"no label {label} in {NAMES}", "label")
    return Instance(video, int(frame), first, second), int(label)


def _segment(one: Instance, held: set[str], part: str, taxonomy: Taxonomy) -> Segment:
    middle = max(0, one.frame - 1) / FPS  # frames are numbered from 1
    return Segment(
        one.clip_id,
        one.video.rpartition("/")[2],
        part,
        "",
        taxonomy.narration(held, one.clip_id),
        start=round(max(0.0, middle - AROUND), 6),
        end=round(middle + AROUND, 6),
        labels=tuple(sorted(held)),
    )
