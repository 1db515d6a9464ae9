"""SBU Kinect Interaction, version 2 (Yun et al., CVPR Workshops 2012): 21 pairs of seven people, eight classes.

Each take is a folder of images (`rgb_*.png`) and joints; make one video of its images a take, of the same path. A group
is one of the five published folds over the pairs, so that `leave_one_group_out` is the published protocol.
"""

from __future__ import annotations

import re

from stages.ingest.adapters import Named
from stages.taxonomy.load import interaction, load

SOURCE = "sbu_kinect"
GRAMMAR = "{pair}/{class 01 to 08}/{take}, such as s01s02/03/001"

LABELS = ("approach", "depart", "kick", "punch", "push", "hug", "shake_hands", "exchange")
CLASSES = load().classes_of(SOURCE)

#: The pairs in the order that the folds number them, from 1.
PAIRS = (
    *("s01s02", "s01s03", "s01s07", "s02s01", "s02s03", "s02s06", "s02s07", "s03s02", "s03s04", "s03s05", "s03s06"),
    *("s04s02", "s04s03", "s04s06", "s05s02", "s05s03", "s06s02", "s06s03", "s06s04", "s07s01", "s07s03"),
)
FOLDS = ((1, 9, 15, 19), (5, 7, 10, 16), (2, 3, 20, 21), (4, 6, 8, 11), (12, 13, 14, 17, 18))
_FOLD = {PAIRS[number - 1]: str(fold) for fold, numbers in enumerate(FOLDS, 1) for number in numbers}

_NAME = re.compile(r"(?:.*/)?(?P<pair>s\d\ds\d\d)/(?P<label>0[1-8])/(?P<take>\d+)", re.ASCII)


def parse(name: str) -> Named | None:
    """Return what a path says; a subject is a pair of people, a group one of the published folds."""
    match = _NAME.fullmatch(name)
    if match is None or match["pair"] not in _FOLD:
        return None
    clip_id = f"{match['pair']}_{match['label']}_{match['take']}"
    label, sentence = interaction(SOURCE, LABELS[int(match["label"]) - 1], clip_id)
    return Named(clip_id, (label,), match["pair"], group=_FOLD[match["pair"]], narration=sentence)
