"""Hollywood2's actions (Marszalek et al., CVPR 2009): a file a class and part, a line a clip, 1 where it shows it.

A clip may have several labels. Parts are train, test (of other films) and, where its files are there too, autotrain:
810 clips found by scripts, with noisy labels, which train. The paper's 2,517 clips are all three.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from stages.annotated.base import Annotations, Segment
from stages.base.errors import InputError
from stages.base.paths import fetch
from stages.taxonomy.load import extended

SOURCE = "hollywood2"
#: The set's parts, and ours.
PARTS = {"train": "train", "autotrain": "train", "test": "test"}


def read(folder: Path) -> Annotations:
    """Return the clips of the lists in a folder (`ClipSets`) with all of their labels.

    Raises:
        InputError: a list is missing, is not as `marks` says, or lists other clips than the others of its part.
    """
    taxonomy = extended(folder)
    labels = taxonomy.labels_of(SOURCE)
    segments, notes = [], []
    for part, ours in PARTS.items():
        files = {label: folder / f"{label}_{part}.txt" for label in labels}
        if part == "autotrain" and not any(path.exists() for path in files.values()):
            continue
        shown: dict[str, set[str]] = defaultdict(set)
        listed: set[str] | None = None
        for label, path in files.items():
            said = marks(path)
            if listed is not None and listed != set(said):
                odd = min(listed ^ set(said))
                raise InputError(
                    f"clip {odd} is in some lists of part {part} and not in others", file=path, do="fetch them again"
                )
            listed = set(said)
            for clip, shows in said.items():
                shown[clip] |= {labels[label]} if shows else set()
        for clip, held in sorted(shown.items()):
            narration = taxonomy.narration(held, clip)
            segments.append(Segment(clip, clip, ours, "", narration, labels=tuple(sorted(held))))
        if part == "autotrain":
            notes.append(
                f"{len(shown)} clips of part autotrain, whose labels are noisy, train; remove its files if not"
            )
    return Annotations(segments, sorted(taxonomy.classes_of(SOURCE)), [], [], notes=tuple(notes))


def marks(path: Path) -> dict[str, bool]:
    """Return a list's clips, and whether each shows the class.

    Raises:
        InputError: no such file, or a line is not a clip's name and 1 or -1, or names a clip again.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputError("no such file", file=path, do=fetch(path)) from None
    except UnicodeDecodeError as error:
        raise InputError(f"not text: {error}", file=path, do="fetch it again") from None
    said: dict[str, bool] = {}
    for row, line in enumerate(lines, 1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) != 2 or parts[1] not in ("1", "-1"):
            raise InputError(f"{line!r:.80} is not a clip's name and 1 or -1", file=path, row=row, do="fetch it again")
        if parts[0] in said:
            raise InputError(f"clip {parts[0]} is listed twice", file=path, row=row, do="remove one of the lines")
        said[parts[0]] = parts[1] == "1"
    return said
