"""Weizmann "Actions as Space-Time Shapes" (Blank et al., ICCV 2005): each subject shows each class once."""

from __future__ import annotations

import re

from stages.ingest.adapters import Named

GRAMMAR = "{subject}_{class}, such as daria_bend"

CLASSES = frozenset({"bend", "jack", "jump", "pjump", "run", "side", "skip", "walk", "wave1", "wave2"})

# The full set has a second take of some clips, as in lena_walk1; wave1 and wave2 are classes of their own.
_NAME = re.compile(r"(?:.*/)?(?P<subject>[a-z]+)_(?P<label>wave[12]|[a-z]+)(?P<take>\d?)", re.ASCII)


def parse(name: str) -> Named | None:
    """Return what a name says; there is one camera, and nothing but the subject that clips share."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return Named(f"{match['subject']}_{match['label']}{match['take']}", (match["label"],), match["subject"])
