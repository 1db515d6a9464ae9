"""Toyota Smarthome, trimmed (Das et al., ICCV 2019), and whatever follows its grammar, as the benchmark does.

The official lists write `Cook.Cleandishes`, other files `Cook_Cleandishes`: both are one clip, written with `_`.
"""

from __future__ import annotations

import re

from stages.ingest.adapters import Named

GRAMMAR = "{Activity}_p{subject}_r{recording}_v{view}_c{camera}"

CLASSES = frozenset(
    {
        "Cook_Cleandishes",
        "Cook_Cleanup",
        "Cook_Cut",
        "Cook_Stir",
        "Cook_Usestove",
        "Cutbread",
        "Drink_Frombottle",
        "Drink_Fromcan",
        "Drink_Fromcup",
        "Drink_Fromglass",
        "Eat_Attable",
        "Eat_Snack",
        "Enter",
        "Getup",
        "Laydown",
        "Leave",
        "Makecoffee_Pourgrains",
        "Makecoffee_Pourwater",
        "Maketea_Boilwater",
        "Maketea_Insertteabag",
        "Pour_Frombottle",
        "Pour_Fromcan",
        "Pour_Fromkettle",
        "Readbook",
        "Sitdown",
        "Takepills",
        "Uselaptop",
        "Usetablet",
        "Usetelephone",
        "Walk",
        "WatchTV",
    }
)

_NAME = re.compile(
    r"(?:.*/)?(?P<activity>[A-Za-z]+(?:[._][A-Za-z]+)*)"
    r"_p(?P<subject>\d+)_r(?P<recording>\d+)_v(?P<view>\d+)_c(?P<camera>\d+)",
    re.ASCII,
)


def parse(name: str) -> Named | None:
    """Return what a name says; a group is a subject's recording, which several cameras see at once."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    label = match["activity"].replace(".", "_")
    group = f"p{match['subject']}_r{match['recording']}"
    clip_id = f"{label}_{group}_v{match['view']}_c{match['camera']}"
    return Named(clip_id, (label,), match["subject"], match["camera"], group)
