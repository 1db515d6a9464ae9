"""A scene small enough for tests: tiny frames, few of them."""

from __future__ import annotations

from typing import Any

from stages.simulate.activities import ACTIVITIES
from stages.simulate.params import Scene

SUBJECTS = [2, 3, 4, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 25]
CS_TRAIN = {3, 4, 6, 7, 9, 12, 13, 15, 17, 19, 25}


def scene(**changed: Any) -> Scene:
    values: dict[str, Any] = {
        "seed": 1,
        "clips": 600,
        "fps": 5.0,
        "size": (80, 60),
        "seconds": (2.0, 4.0),
        "subjects": SUBJECTS,
        "cameras": list(range(1, 8)),
        "rooms": 6,
        "activities": sorted(ACTIVITIES),
        "style": "home",
    }
    return Scene(**{**values, **changed})
