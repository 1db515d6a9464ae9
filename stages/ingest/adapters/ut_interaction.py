"""UT-Interaction (Ryoo and Aggarwal, 2010): two people interact; ten sequences a set, six classes by number."""

from __future__ import annotations

import re

from stages.ingest.adapters import Named
from stages.taxonomy.load import interaction, load

SOURCE = "ut_interaction"
GRAMMAR = "{clip}_{sequence}_{label 0 to 5}, such as 17_3_0; sequences 1 to 10 are set 1, 11 to 20 set 2"

LABELS = ("handshake", "hug", "kick", "point", "punch", "push")
CLASSES = load().classes_of(SOURCE)

_NAME = re.compile(r"(?:.*/)?(?P<clip>\d+)_(?P<sequence>\d+)_(?P<label>[0-5])", re.ASCII)


def parse(name: str) -> Named | None:
    """Return what a name says; a group is a sequence, whose clips share actors and background."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    clip_id = f"{match['clip']}_{match['sequence']}_{match['label']}"
    label, sentence = interaction(SOURCE, LABELS[int(match["label"])], clip_id)
    return Named(clip_id, (label,), group=match["sequence"], narration=sentence)
