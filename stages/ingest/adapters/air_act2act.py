"""AIR-Act2Act (Ko et al., IJRR 2021): ten scenarios of an elderly person and a partner, before three cameras."""

from __future__ import annotations

import re

from stages.ingest.adapters import Named
from stages.taxonomy.load import interaction, load

SOURCE = "air_act2act"
GRAMMAR = "C{camera}P{performer}A{scenario}S{setup}, such as C003P100A010S005"

CLASSES = load().classes_of(SOURCE)

_NAME = re.compile(r"(?:.*/)?C(?P<camera>\d{3})P(?P<subject>\d{3})(?P<scenario>A\d{3})S(?P<setup>\d{3})", re.ASCII)


def parse(name: str) -> Named | None:
    """Return what a name says; a group is a performance, which three cameras see at once."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    camera, subject, scenario, setup = match.groups()
    clip_id = f"C{camera}P{subject}{scenario}S{setup}"
    label, sentence = interaction(SOURCE, scenario, clip_id)
    return Named(clip_id, (label,), subject, camera, f"P{subject}{scenario}S{setup}", sentence)
