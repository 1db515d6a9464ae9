"""Lists of two people: what they say of a clip, and what is wrong in them, by file, row and column."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from stages.annotated.interactions import CLASSES, CLIPS, COLUMNS, read
from stages.base.errors import InputError

LABELS = [
    ("bow", "bow", "unseen"),
    ("hug", "hug", "seen"),
    ("left pushes right", "push", "seen"),
    ("right pushes left", "push", "seen"),
]
ROWS = [
    ("a", "a.mp4", "train", "left pushes right", "the left person pushes the right person", "p1", "p2", "1", "1", 0),
    ("b", "b.mp4", "train", "hug", "two people hug each other", "p2", "p1", "1", "2", 1),
    ("c", "c.mp4", "validation", "hug", "two people embrace", "p3", "p4", "2", "1", 0),
    ("d", "d.mp4", "test", "right pushes left", "the one on the right pushes", "p5", "p6", "1", "1", 2),
    ("e", "e.mp4", "test", "bow", "two people bow", "p6", "p5", "1", "2", 0),
]


def write(folder: Path, labels: list[tuple] = LABELS, **changed: tuple[int, object]) -> Path:
    """Write the lists; `changed` is column -> (row, value)."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / CLASSES).open("w", newline="") as file:
        csv.writer(file).writerows([("label", "interaction", "kind"), *labels])
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
    for column, (row, value) in changed.items():
        rows[row][column] = value
    with (folder / CLIPS).open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_a_clip_has_class_sentence_pair_camera_and_part(tmp_path):
    found = read(write(tmp_path))
    assert [one.part for one in found.segments] == ["train", "train", "validation", "test", "test"]
    first, second = found.segments[:2]
    assert (first.clip_id, first.recording, first.label, first.camera) == ("a", "a", "left pushes right", "1")
    assert first.narration == "the left person pushes the right person"
    assert first.subject == second.subject == "p1+p2"  # whoever is on which side
    assert (first.start, first.verb, first.noun) == (None, None, None)
    assert found.classes == [name for name, _, _ in LABELS]
    assert found.notes == ("1 classes only test: bow",)


@pytest.mark.parametrize(
    ("column", "row", "value", "said"),
    [
        ("label", 0, "juggle", "no such class: 'juggle'"),
        ("label", 0, "bow", "'bow' only tests"),
        ("label", 1, " ", "is empty"),
        ("sentence", 1, "", "is empty"),
        ("part", 2, "dev", "'dev' is none of train, validation, test"),
        ("person_2", 0, "p1", "both are p1"),
        ("person_1", 3, "p2", "p2 is in the train part too"),
        ("passers_by", 4, "many", "'many' is no whole number"),
        ("camera", 4, "", "is empty"),
    ],
)
def test_what_is_wrong_in_a_row_is_said_by_file_row_and_column(tmp_path, column, row, value, said):
    write(tmp_path, **{column: (row, value)})
    with pytest.raises(InputError) as error:
        read(tmp_path)
    text = str(error.value)
    assert said in text
    assert f"{tmp_path / CLIPS}, row {row + 2}, key '{'part' if value == 'bow' else column}'" in text
    assert "what to do" in text


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([*LABELS, LABELS[0]], "'bow' is listed already"),
        ([("hug", "hug", "new")], "'new' is none of seen, unseen"),
        ([], "no such class: 'left pushes right'"),
    ],
)
def test_what_is_wrong_in_the_class_list(tmp_path, labels, said):
    write(tmp_path, labels)
    with pytest.raises(InputError, match=said):
        read(tmp_path)


@pytest.mark.parametrize("name", [CLIPS, CLASSES])
def test_a_missing_file_and_a_missing_column(tmp_path, name):
    path = write(tmp_path) / name
    text = path.read_text()
    path.write_text(text.replace("label", "class", 1))
    with pytest.raises(InputError, match="columns label are missing"):
        read(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path)
