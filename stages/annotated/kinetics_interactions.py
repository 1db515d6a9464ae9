"""Kinetics (Kay et al., 2017), as far as two people interact: its CSV lists, of which only named labels are taken.

The paper took 8 of its classes and 53 clips and does not say which: `taxonomy.yaml` in the same folder names the labels
that are wanted and gives each a class. A row of a list has label, youtube_id, time_start, time_end and split, and
others; its clip is `{youtube_id}_{time_start:06}_{time_end:06}`, cut as Kinetics is distributed.
"""

from __future__ import annotations

from pathlib import Path

from stages.annotated.base import Annotations, Segment
from stages.annotated.cells import Cells, read_cells
from stages.base.errors import InputError
from stages.base.paths import fetch
from stages.taxonomy.load import extended

SOURCE = "kinetics_interactions"
COLUMNS = ("label", "youtube_id", "time_start", "time_end", "split")
#: How lists call the part that trains; the others test.
TRAIN = frozenset({"train", "training"})
TEST = frozenset({"val", "validate", "validation", "test"})


def read(folder: Path) -> Annotations:
    """Return the wanted clips of the CSV lists in a folder.

    Raises:
        InputError: there is no list, none of its rows is wanted, or a row has no time or an unknown split.
    """
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise InputError("no CSV list", file=folder, do=fetch(folder))
    taxonomy = extended(folder)
    labels = taxonomy.labels_of(SOURCE)
    segments, others = [], 0
    for path in files:
        for line in read_cells(path, COLUMNS):
            label = line.fields["label"].strip()
            if label not in labels:
                others += 1
                continue
            name = clip_name(line)
            into = labels[label]
            segments.append(Segment(name, name, _part(line), into, taxonomy.sentence(into, name)))
    if not segments:
        raise InputError(
            f"none of {others} rows has a label that is wanted: {', '.join(labels)}",
            file=folder,
            key="label",
            do="spell the labels in taxonomy.yaml as the lists do",
        )
    notes = (f"{others} rows of other labels are left out",) if others else ()
    return Annotations(segments, sorted(taxonomy.classes_of(SOURCE)), [], [], notes=notes)


def clip_name(line: Cells) -> str:
    """Return the name of a row's clip."""
    start, end = line.whole("time_start"), line.whole("time_end")
    if end <= start:
        raise line.error(f"{end} is not after start {start}", "time_end", "correct the two, or remove the row")
    return f"{line.text('youtube_id')}_{start:06d}_{end:06d}"


def _part(line: Cells) -> str:
    said = line.text("split")
    if said not in TRAIN | TEST:
        raise line.error(f"{said!r} is no split", "split", f"write one of {', '.join(sorted(TRAIN | TEST))}")
    return "train" if said in TRAIN else "test"
