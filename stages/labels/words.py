"""A class's label in words, as prompts, closed answers and the metric `nearest_class` call it."""

from __future__ import annotations

import re

#: Labels whose own letters do not say what is meant; the sources' label lists glue words together or number them.
_WORDS = {
    # Toyota Smarthome (Das et al., ICCV 2019)
    "Cook_Cleandishes": "washing dishes",
    "Cook_Cleanup": "cleaning up the kitchen",
    "Cook_Cut": "cutting food",
    "Cook_Stir": "stirring a pot",
    "Cook_Usestove": "using the stove",
    "Cutbread": "cutting bread",
    "Drink_Frombottle": "drinking from a bottle",
    "Drink_Fromcan": "drinking from a can",
    "Drink_Fromcup": "drinking from a cup",
    "Drink_Fromglass": "drinking from a glass",
    "Eat_Attable": "eating at the table",
    "Eat_Snack": "eating a snack",
    "Enter": "entering the room",
    "Getup": "getting up",
    "Laydown": "lying down",
    "Leave": "leaving the room",
    "Makecoffee_Pourgrains": "pouring coffee grains",
    "Makecoffee_Pourwater": "pouring water to make coffee",
    "Maketea_Boilwater": "boiling water for tea",
    "Maketea_Insertteabag": "putting a tea bag into a cup",
    "Pour_Frombottle": "pouring from a bottle",
    "Pour_Fromcan": "pouring from a can",
    "Pour_Fromkettle": "pouring from a kettle",
    "Readbook": "reading a book",
    "Sitdown": "sitting down",
    "Takepills": "taking pills",
    "Uselaptop": "using a laptop",
    "Usetablet": "using a tablet",
    "Usetelephone": "using a telephone",
    "Walk": "walking",
    "WatchTV": "watching television",
    # Weizmann (Gorelick et al., PAMI 2007)
    "bend": "bending down",
    "jack": "doing jumping jacks",
    "jump": "jumping forward on two legs",
    "pjump": "jumping in place",
    "run": "running",
    "side": "galloping sideways",
    "skip": "skipping",
    "walk": "walking",
    "wave1": "waving one hand",
    "wave2": "waving both hands",
    # UT-Interaction (Ryoo and Aggarwal, 2010)
    "handshake": "shaking hands",
    "hug": "hugging",
    "kick": "kicking",
    "point": "pointing",
    "punch": "punching",
    "push": "pushing",
}


def in_words(label: str) -> str:
    """Return a label in words: from the table of the known data sets, else cut at `_`, `.`, `-` and inner capitals.

    A label that glues words together (`Usemixer`) and stands in no table stays glued: add it above.
    """
    if label in _WORDS:
        return _WORDS[label]
    return " ".join(re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label)).lower().split())
