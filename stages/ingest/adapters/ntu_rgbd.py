"""NTU RGB+D 120, mutual actions (Liu et al., PAMI 2019): 26 actions of two people before three cameras.

Protocols by its authors: `listed_subjects` (cross-subject; params/datasets has the list), `listed_cameras` (cross-view
of NTU RGB+D 60), and `given`, which is cross-setup: even setups train.
"""

from __future__ import annotations

import re

from stages.ingest.adapters import Named
from stages.taxonomy.load import interaction, load

SOURCE = "ntu_rgbd"
GRAMMAR = "S{setup}C{camera}P{subject}R{repetition}A{action}_rgb, such as S001C001P001R001A050_rgb"

CLASSES = load().classes_of(SOURCE)

_NAME = re.compile(
    r"(?:.*/)?S(?P<setup>\d{3})C(?P<camera>\d{3})P(?P<subject>\d{3})R(?P<take>\d{3})(?P<action>A\d{3})(?:_rgb)?",
    re.ASCII,
)


def parse(name: str) -> Named | None:
    """Return what a name says; a group is a performance, which three cameras see at once."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    setup, camera, subject, take, action = match.groups()
    clip_id = f"S{setup}C{camera}P{subject}R{take}{action}"
    label, sentence = interaction(SOURCE, action, clip_id)
    return Named(
        clip_id,
        (label,),
        str(int(subject)),
        str(int(camera)),
        f"S{setup}P{subject}R{take}{action}",
        sentence,
        "test" if int(setup) % 2 else "train",
    )
