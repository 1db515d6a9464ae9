"""A protocol's clips as a task: folds, class order, targets, and what is said of what bounds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import MANIFEST, SPLITS
from stages.base.tables import write_table
from stages.labels.classes import Labels
from stages.learn.data import Clip, read_task, targets, warnings
from tests.class_list import write_class_list


def clips_of(labels: dict[str, list[str]]) -> list[Clip]:
    return [Clip(name, Path(f"{name}.mp4"), name, 10, tuple(names)) for name, names in labels.items()]


def written(
    folder: Path,
    parts: list[tuple[str, str, str]],
    labels: dict[str, list[str]],
    broken: str = "",
    kind: Labels = "single",
) -> Run:
    """Write manifest and splits; parts are (fold, clip, part) of protocol p."""
    rows: list[dict[str, Any]] = [
        {
            "clip_id": name,
            "path": f"{name}.mp4",
            "md5": name,
            "frames": 10,
            "labels": sorted(names),
            "error": "damaged" if name == broken else None,
        }
        for name, names in labels.items()
    ]
    write_table(Run("d").manifest, rows, MANIFEST)
    write_class_list(Run("d"), kind)
    keys = ("fold", "clip_id", "part")
    write_table(Run("d").splits, [{"protocol": "p", **dict(zip(keys, part, strict=True))} for part in parts], SPLITS)
    return Run("d")


@pytest.fixture(autouse=True)
def _there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


LABELS = {"a": ["x"], "b": ["y"], "c": ["x"], "d": ["y"], "e": ["x"]}
PARTS = [("", "a", "train"), ("", "b", "train"), ("", "c", "validation"), ("", "d", "test"), ("", "e", "test")]


def test_parts_by_fold_sorted_and_usable_only(tmp_path):
    task = read_task(written(tmp_path, PARTS, LABELS, broken="e"), "p")
    (fold,) = task.folds
    assert [[clip.clip_id for clip in part] for part in fold[1:]] == [["a", "b"], ["c"], ["d"]]
    assert task.classes == ["x", "y"]
    folds = [(held, name, "test" if name == held else "train") for held in "abc" for name in "abc"]
    task = read_task(written(tmp_path, folds, LABELS), "p")
    assert [fold.name for fold in task.folds] == ["a", "b", "c"]
    assert all(fold.test[0].clip_id == fold.name and len(fold.train) == 2 for fold in task.folds)


def test_targets_follow_the_class_order():
    clips = clips_of({"a": ["y"], "b": [], "c": ["x", "z"]})
    assert targets(clips[:1], ["x", "y", "z"], many=False).tolist() == [1]
    assert targets(clips, ["x", "y", "z"], many=True).tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 1]]


def test_what_bounds_learning_is_said(tmp_path):
    labels = {**LABELS, "f": ["z"], "g": ["y"], "h": ["x"]}
    parts = [*PARTS[:2], ("", "g", "train"), ("", "d", "test"), ("", "f", "test"), ("", "h", "test")]
    said = warnings(read_task(written(tmp_path, parts, labels), "p"))
    assert said == [
        "no train clip of z: its test clips cannot be right",
        "one train clip of x",
        "no validation part: no early stop, the last epoch's weights are kept",
    ]
    assert warnings(read_task(written(tmp_path, PARTS, LABELS), "p")) == ["one train clip of x, y"]


def test_what_cannot_be_learnt_is_an_error(tmp_path):
    run = written(tmp_path, PARTS, LABELS)
    with pytest.raises(InputError, match="name one of: p"):
        read_task(run, "q")
    with pytest.raises(InputError, match=r"no usable clip in part train of fold ''"):
        read_task(written(tmp_path, PARTS[2:], LABELS), "p")
    with pytest.raises(InputError, match=r"row b: has the labels \['x', 'y'\], expected one"):
        read_task(written(tmp_path, PARTS, {**LABELS, "b": ["x", "y"]}), "p")
    with pytest.raises(InputError, match="1 classes are nothing to learn"):
        read_task(written(tmp_path, PARTS, {name: ["x"] for name in LABELS}), "p")
    assert read_task(written(tmp_path, PARTS, {**LABELS, "b": ["x", "y"], "c": []}, kind="multi"), "p").many
