"""EPIC-KITCHENS-100's files in small, made up: 4 verbs, 5 nouns, two participants who train and one who does not."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

VERBS = [("take", ["take", "pick-up", "get"]), ("put", ["put", "put-down"]), ("turn-on", ["turn-on"]), ("cut", ["cut"])]
NOUNS = [
    ("tap", ["tap"]),
    ("plate", ["plate"]),
    ("knife", ["knife"]),
    ("board:chopping", ["board:chopping"]),
    ("oil", ["oil"]),
]
HEADER = [
    *("narration_id", "participant_id", "video_id", "narration_timestamp", "start_timestamp", "stop_timestamp"),
    *("start_frame", "stop_frame", "narration", "verb", "verb_class", "noun", "noun_class"),
    *("all_nouns", "all_noun_classes"),
]
#: participant, video, start and end in seconds, narration, verb and its class, nouns and their classes.
TRAIN = [
    ("P01", "P01_01", 0.0, 1.0, "take plate", "take", 0, ["plate"], [1]),
    ("P01", "P01_01", 1.0, 2.0, "pick up the knife", "pick-up", 0, ["knife"], [2]),
    ("P01", "P01_01", 2.0, 3.0, "put down plate", "put-down", 1, ["plate"], [1]),
    ("P01", "P01_01", 3.0, 4.0, "get plate", "get", 0, ["plate"], [1]),
    ("P02", "P02_101", 0.0, 1.5, "take plate", "take", 0, ["plate"], [1]),
    ("P02", "P02_101", 1.5, 3.0, "put knife on chopping board", "put", 1, ["knife", "board:chopping"], [2, 3]),
    ("P02", "P02_101", 3.0, 4.0, "turn on tap", "turn-on", 2, ["tap"], [0]),
    ("P02", "P02_101", 4.0, 5.0, "take knife", "take", 0, ["knife"], [2]),
    ("P02", "P02_101", 5.0, 6.0, "take plate", "take", 0, ["plate"], [1]),
    ("P02", "P02_101", 0.5, 0.9, "take plate", "take", 0, ["plate"], [1]),
]
TEST = [
    ("P01", "P01_11", 0.0, 1.0, "take plate", "take", 0, ["plate"], [1]),
    ("P01", "P01_11", 0.5, 1.5, "take tap off", "take", 0, ["tap"], [0]),
    ("P01", "P01_11", 1.0, 2.0, "turn on tap", "turn-on", 2, ["tap"], [0]),
    ("P18", "P18_01", 0.0, 1.0, "turn on the plate", "turn-on", 2, ["plate"], [1]),
    ("P18", "P18_01", 1.0, 2.5, "cut oil", "cut", 3, ["oil"], [4]),
]


def clock(seconds: float) -> str:
    return f"00:00:{seconds:05.2f}"


def rows(segments: Sequence[tuple], **changed: tuple[int, object]) -> list[dict[str, object]]:
    """Return a list's rows; `changed` is column -> (row, value)."""
    made = []
    for number, (person, video, start, end, text, verb, verb_class, nouns, numbers) in enumerate(segments):
        rate = 50 if len(video.split("_")[1]) == 3 else 59.94
        values = [f"{video}_{number}", person, video, clock(start), clock(start), clock(end), int(start * rate)]
        values += [int(end * rate), text, verb, verb_class, nouns[0], numbers[0], nouns, numbers]
        made.append(dict(zip(HEADER, values, strict=True)))
    for column, (row, value) in changed.items():
        made[row][column] = value
    return made


def write_csv(path: Path, made: Sequence[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.DictWriter(stream, list(made[0]))
        out.writeheader()
        out.writerows(made)


def classes(listed: Sequence[tuple[str, list[str]]]) -> list[dict[str, object]]:
    return [{"id": i, "key": key, "instances": words, "category": "x"} for i, (key, words) in enumerate(listed)]


def write(folder: Path) -> Path:
    """Write the whole set of files."""
    write_csv(folder / "EPIC_100_verb_classes.csv", classes(VERBS))
    write_csv(folder / "EPIC_100_noun_classes.csv", classes(NOUNS))
    write_csv(folder / "EPIC_100_train.csv", rows(TRAIN))
    write_csv(folder / "EPIC_100_validation.csv", rows(TEST))
    write_csv(folder / "EPIC_100_unseen_participant_ids_validation.csv", [{"participant_id": "P18"}])
    write_csv(folder / "EPIC_100_tail_verbs.csv", [{"verb": 2}, {"verb": 3}])
    write_csv(folder / "EPIC_100_tail_nouns.csv", [{"noun": 0}, {"noun": 4}])
    return folder
