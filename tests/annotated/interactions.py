"""The files of data sets of two people in small, made up in the form that each is published in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from stages.taxonomy.load import load

#: Names that nobody publishes in a text that we have: these are made up.
SPORTS = ["basketball - made up one", "basketball - made up two", "volleyball - made up three"]
OWN = {
    "sports_hhi": {SPORTS[0]: "marking_an_opponent", SPORTS[1]: "push", SPORTS[2]: "passing_to_somebody"},
    "kinetics_interactions": {"made up hands": "handshake", "made up dance": "dancing_together"},
}
SENTENCES = {
    "marking_an_opponent": ["A player stays close to an opponent.", "A player guards another."],
    "passing_to_somebody": ["A player passes the ball to another.", "One plays the ball to the other."],
    "dancing_together": ["Two people dance.", "A pair moves to music."],
}


def taxonomy(folder: Path, source: str) -> Path:
    """Write what a set whose labels are open adds."""
    labels = OWN[source]
    classes = {name: said for name, said in SENTENCES.items() if name in labels.values()}
    text = yaml.safe_dump({"version": 1, "sources": {source: labels}, "classes": classes})
    return write(folder / "taxonomy.yaml", text)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def shakefive2(folder: Path, clips: Mapping[str, Sequence[Sequence[str]]]) -> Path:
    """Write an XML file a clip, from the actions of its people frame by frame."""
    for name, frames in clips.items():
        said = "".join(
            f"<frame><id>{number}</id><timestamp>0</timestamp><skeletons_amount>{len(actions)}</skeletons_amount>"
            + "<skeletons>"
            + "".join(
                f"<skeleton><id>{who}</id><action_name>{action}</action_name><joints_amount>1</joints_amount><joints>"
                "<joint><point3Dd>0 0 0</point3Dd><point2Dd>0 0</point2Dd></joint></joints></skeleton>"
                for who, action in enumerate(actions)
            )
            + "</skeletons></frame>"
            for number, actions in enumerate(frames)
        )
        head = f"<frames_amount>{len(frames)}</frames_amount>"
        write(folder / f"{name}.xml", f'<?xml version="1.0"?><video>{head}<frames>{said}</frames></video>')
    return folder


def hollywood2(folder: Path, parts: Mapping[str, Mapping[str, Sequence[str]]]) -> Path:
    """Write a list a class and part, from part -> clip -> its labels as the set calls them."""
    for part, clips in parts.items():
        for label in load().sources["hollywood2"]:
            lines = [f"{clip}  {1 if label in shown else -1}" for clip, shown in clips.items()]
            write(folder / f"{label}_{part}.txt", "\n".join(lines) + "\n")
    return folder


def sports_hhi(folder: Path, rows: Mapping[str, Sequence[str]]) -> Path:
    """Write the label list and the CSV lists, from part (train, val) -> its lines."""
    named = "".join(
        f'label {{\n  name: "{name}"\n  label_id: {number}\n  label_type: PERSON_INTERACTION\n}}\n'
        for number, name in enumerate(SPORTS, 1)
    )
    write(folder / "sports_action_list.pbtxt", named)
    for part in ("train", "val"):
        write(folder / f"sports_{part}_v1.csv", "".join(f"{line}\n" for line in rows[part]))
    return folder
