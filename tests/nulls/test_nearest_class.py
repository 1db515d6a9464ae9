"""The one caption that `nearest_class` is answered by is the best by that metric, on clips that no protocol tests."""

from collections import Counter

import numpy as np

from stages.base.paths import Run
from stages.base.schema import CAPTIONS, MANIFEST, PREDICTIONS, SPLITS
from stages.base.tables import read_table, write_json, write_table
from stages.labels.words import in_words
from stages.metrics.nearest_class import nearest_class
from stages.text.encode import encode
from stages.text.model import PACKAGED, model_folder
from tests.class_list import write_class_list
from tests.stage import Workplace, workplace

__all__ = ["workplace"]  # a fixture

RUN = Run("home")
VALUES = {"nulls": {"home": {"models": ["model"], "repeats": 1, "seed": 0, "encoder": PACKAGED}}}

#: Train clips: most of them cook, in captions that have little in common; the others sit, all in nearly one sentence.
#: The test part has nobody who cooks.
TRAIN = [
    ("Cook", "A person is cooking at the stove."),
    ("Cook", "Onions, a knife and a wooden board."),
    ("Cook", "Steam rises out of a pot."),
    ("Cook", "The oven door is open."),
    ("Sit", "A person sits on a chair in the room."),
    ("Sit", "A person sits down on a chair in a room."),
    ("Sit", "A person is sitting on the chair in a room."),
]
TEST = [("Sit", "A person sits on a chair."), ("Walk", "A person walks."), ("Walk", "Somebody walks by.")]


def test_it_is_the_best_by_the_metric_itself(workplace: Workplace) -> None:
    clips = [(f"c{number}", *clip) for number, clip in enumerate([*TRAIN, *TEST])]
    tested = [name for name, _, _ in clips[len(TRAIN) :]]
    write_table(RUN.manifest, [{"clip_id": name, "labels": [label]} for name, label, _ in clips], MANIFEST)
    write_class_list(RUN)
    parts = [{"clip_id": name, "part": "test" if name in tested else "train"} for name, _, _ in clips]
    write_table(RUN.splits, [{"protocol": "cs", "fold": "", **part} for part in parts], SPLITS)
    write_table(RUN.captions, [{"clip_id": name, "text": text, "attempts": 1} for name, _, text in clips], CAPTIONS)
    write_json(RUN.keywords, {"classes": {"Cook": ["cook"], "Sit": ["sit"], "Walk": ["walk"]}})
    write_table(
        RUN.predictions("model"),
        [
            {"clip_id": name, "method": "model", "repeat": 0, "status": "ok", "text": f"Answer to {name}."}
            for name in tested
        ],
        PREDICTIONS,
    )
    assert workplace.run("nulls", "home", values=VALUES) == ""
    rows = read_table(RUN.predictions("null_constant"), PREDICTIONS).filter(clip_id=tested[0])
    said = {row["metric"]: row["text"] for row in rows.iter_rows(named=True)}
    why = {row["metric"]: row["detail"] for row in rows.iter_rows(named=True)}

    # What the metric says of each candidate, by its own code: a text names the class whose label is nearest.
    classes = ["Cook", "Sit", "Walk"]
    vectors = dict(encode(model_folder(PACKAGED), [*(text for _, text in TRAIN), *map(in_words, classes)]))
    labels = np.stack([vectors[in_words(name)] for name in classes])
    named = nearest_class(np.stack([vectors[text] for _, text in TRAIN]), classes, labels).labels
    clips_of = Counter(label for label, _ in TRAIN)
    right = {text: clips_of[name] / len(TRAIN) for (_, text), name in zip(TRAIN, named, strict=True)}
    assert set(right.values()) >= {3 / 7, 4 / 7}, "there is a choice"
    assert right[said["nearest_class"]] == max(right.values()) == 4 / 7
    assert right[said[None]] == 3 / 7, "similarity chooses another caption, which names the smaller class"
    assert why["nearest_class"].endswith("names Cook, the class of 4 of 7 clips")
