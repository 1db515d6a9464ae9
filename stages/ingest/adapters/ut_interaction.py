"""UT-Interaction, set 1 (Ryoo and Aggarwal, 2010): two people interact; ten sequences, six classes by number."""

from __future__ import annotations

import re

from stages.ingest.adapters import Named

GRAMMAR = "{clip}_{sequence}_{label 0 to 5}, such as 17_3_0"

LABELS = ("handshake", "hug", "kick", "point", "punch", "push")
CLASSES = frozenset(LABELS)

_NAME = re.compile(r"(?:.*/)?(?P<clip>\d+)_(?P<sequence>\d+)_(?P<label>[0-5])", re.ASCII)


def parse(name: str) -> Named | None:
    """Return what a name says; a group is a sequence, whose clips share actors and background."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    clip_id = f"{match['clip']}_{match['sequence']}_{match['label']}"
    return Named(clip_id, (LABELS[int(match["label"])],), group=match["sequence"])
