"""TV Human Interaction (Patron-Perez et al., BMVC 2010): clips of television shows, four interactions and others.

Its README splits each class into two sets, one of which trains while the other tests: a group is a set, so that
`leave_one_group_out` is the published protocol.
"""

from __future__ import annotations

import re

from stages.ingest.adapters import Named
from stages.taxonomy.load import interaction, load

SOURCE = "tv_human_interaction"
GRAMMAR = "{handShake, highFive, hug, kiss or negative}_{number}, such as handShake_0001"

CLASSES = load().classes_of(SOURCE)

#: Clips of set 1 by class, from the README; the others are set 2.
SET_1 = {
    "handShake": {2, *range(14, 17), *range(18, 22), *range(24, 29), 32, *range(40, 51)},
    "highFive": {1, *range(6, 14), *range(23, 26), *range(27, 36), 44, 45, 47, 48},
    "hug": {*range(2, 5), 11, 12, *range(15, 19), 20, 21, 27, *range(29, 37), 42, 44, 46, 49, 50},
    "kiss": {1, *range(7, 15), *range(16, 19), *range(22, 25), 26, 29, 31, 35, 36, *range(38, 43)},
    "negative": set(range(1, 51)),
}

_NAME = re.compile(rf"(?:.*/)?(?P<label>{'|'.join(SET_1)})_(?P<number>\d+)", re.ASCII)


def parse(name: str) -> Named | None:
    """Return what a name says; a group is one of the two published sets."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    clip_id = f"{match['label']}_{match['number']}"
    label, sentence = interaction(SOURCE, match["label"], clip_id)
    group = "set1" if int(match["number"]) in SET_1[match["label"]] else "set2"
    return Named(clip_id, (label,), group=group, narration=sentence)
