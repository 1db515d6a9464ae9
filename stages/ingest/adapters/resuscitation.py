"""Newborn resuscitation as `simulate` renders it: recordings of a table, with several labels at a time or none."""

from __future__ import annotations

import re

from stages.ingest.adapters import Named

GRAMMAR = "p{health worker}_m{mannequin}_t{table}_r{recording}, such as p03_m02_t05_r017"

CLASSES = frozenset({"baby_visible", "stimulation", "suction", "ventilation"})

_NAME = re.compile(r"(?:.*/)?(?P<name>p(?P<subject>\d+)_m\d+_t(?P<table>\d+)_r\d+)", re.ASCII)


def parse(name: str) -> Named | None:
    """Return what a name says; a group is a recording, a camera hangs over each table. Labels stand in annotations."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return Named(match["name"], (), match["subject"], match["table"], match["name"])
