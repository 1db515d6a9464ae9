"""JPL First-Person Interaction (Ryoo and Matthies, CVPR 2013): the segmented clips and what each shows.

The authors publish a spreadsheet, `jpl_interaction_labels.xlsx`, whose sheet `segmented` has a row a clip: save it as
CSV with columns `file_name` and `label`. It numbers the classes, and no text that we have says which number is which:
write their names (handshake, hug, pet, wave, point_converse, punch, throw).
"""

from __future__ import annotations

from pathlib import Path

from stages.annotated.base import Annotations, Segment
from stages.annotated.cells import read_cells
from stages.taxonomy.load import extended

SOURCE = "jpl_interaction"
LABELS = "jpl_interaction_labels.csv"


def read(folder: Path) -> Annotations:
    """Return the clips of the list in a folder.

    Raises:
        InputError: the list is missing, a cell is empty, or a label is not one of the set's.
    """
    taxonomy = extended(folder)
    labels = taxonomy.labels_of(SOURCE)
    segments = []
    for line in read_cells(folder / LABELS, ("file_name", "label")):
        name, label = line.text("file_name").removesuffix(".avi"), line.text("label")
        if label not in labels:
            raise line.error(f"no such label: {label!r}", "label", f"write one of {', '.join(labels)}")
        into = labels[label]
        segments.append(Segment(name, name, None, into, taxonomy.sentence(into, name)))
    return Annotations(segments, sorted(taxonomy.classes_of(SOURCE)), [], [])
