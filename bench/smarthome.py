"""Clips under Smarthome's names, of which benches make as many as they want, and the six protocols of its kind."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

_SUBJECTS = (2, 3, 4, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 25)
_BOTH = {"validation": True}
#: The block `ingest` of such a data set, what is published of it left out.
INGEST: dict[str, Any] = {
    "adapter": "smarthome",
    "licensed": False,
    "accept_leaks": [],
    "protocols": {
        "cs": _BOTH,
        "cv1": _BOTH,
        "cv2": _BOTH,
        "leave_one_subject_out": _BOTH,
        "phase1": {"clips": 10, "seed": 0, "rest": "train"},
        "random": {"folds": 5, "seed": 0, **_BOTH},
    },
}


def names(count: int) -> Iterator[str]:
    """Yield the names of so many clips."""
    from stages.ingest.adapters.smarthome import CLASSES

    each = [sorted(CLASSES), _SUBJECTS, range(1, 8)]
    recordings = range(count // math.prod(map(len, each)) + 1)
    for recording, label, subject, camera in itertools.islice(itertools.product(recordings, *each), count):
        yield f"{label}_p{subject:02d}_r{recording:02d}_v01_c{camera:02d}"
