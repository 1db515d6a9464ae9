"""EPIC-KITCHENS-100's files: the counts of the published ones, and what is wrong in made-up ones, by row and column."""

from __future__ import annotations

import pytest

from stages.annotated.epic_kitchens import PARTS, rate, read, read_classes, read_narrations
from stages.base.errors import InputError
from tests.annotated.small import NOUNS, TEST, TRAIN, VERBS, classes, rows, write, write_csv

PUBLISHED = "data/published/epic_kitchens_100"
VALIDATION = "EPIC_100_validation.csv"


def test_the_published_files_have_the_published_counts(remote_file):
    names = (
        "verb_classes",
        "noun_classes",
        "tail_verbs",
        "tail_nouns",
        "unseen_participant_ids_validation",
        "validation",
    )
    folders = {remote_file(f"{PUBLISHED}/EPIC_100_{name}.csv").parent for name in names}
    (folder,) = folders
    found = read(folder)
    assert len(found.segments) == 9668
    assert (len(found.verbs), len(found.nouns)) == (97, 300)
    assert len({one.verb for one in found.segments}) == 78
    assert len({one.noun for one in found.segments}) == 211
    assert len(found.classes) == 1352
    assert len({one.subject for one in found.segments}) == 32
    assert sum(one.subject in found.unseen for one in found.segments) == 1065
    assert (len(found.tail_verbs), len(found.tail_nouns)) == (86, 228)
    rare = [(one.verb in found.tail_verbs, one.noun in found.tail_nouns) for one in found.segments]
    counts = [sum(verb for verb, _ in rare), sum(noun for _, noun in rare), sum(map(any, rare)), sum(map(all, rare))]
    assert counts == [1760, 1900, 3105, 555]
    assert {one.part for one in found.segments} == {"test"}
    assert "EPIC_100_validation.csv row 5581 (bring-into)" in found.notes[0]
    narrated = remote_file(f"{PUBLISHED}/EPIC_100_retrieval_train_sentence.csv")
    verbs, nouns = (
        read_classes(folder / "EPIC_100_verb_classes.csv"),
        read_classes(folder / "EPIC_100_noun_classes.csv"),
    )
    train = read_narrations([narrated], verbs, nouns)
    assert (len(train.texts), len(set(train.texts))) == (15989, 15968)
    assert (len(set(train.verbs)), len(set(train.nouns))) == (97, 289)  # of the first nouns; of all 290
    assert sum(one.narration in set(train.texts) for one in found.segments) == 6920


def test_a_segment_has_times_frames_both_rates_words_and_classes(tmp_path):
    found = read(write(tmp_path))
    assert [one.part for one in found.segments] == ["train"] * len(TRAIN) + ["test"] * len(TEST)
    board = found.segments[5]
    assert (board.start, board.end, board.frames, board.fps) == (1.5, 3.0, 75, 50.0)
    assert (board.verb, board.noun, board.label) == ("put", "knife", "put knife")
    assert board.objects == ("knife", "board:chopping")
    assert (rate("P01_01"), rate("P02_101")) == (59.94, 50.0)
    assert (found.unseen, found.tail_verbs, found.tail_nouns) == ({"P18"}, {"turn-on", "cut"}, {"tap", "oil"})


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("stop_timestamp", "00:00:00.00", "00:00:00.00 is not after start 00:00:01.00"),
        ("stop_timestamp", "soon", "'soon' is no time"),
        ("stop_frame", 3, "3 is not after start 59"),
        ("start_frame", "-1", "'-1' is no whole number"),
        ("all_nouns", "['tap', ", "is no list of texts"),
        ("all_nouns", "__import__('os').getcwd()", "is no list of texts"),
        ("all_noun_classes", "[1, 'x']", "is no list of whole numbers"),
        ("all_noun_classes", "[0, 1]", "2 classes of 1 nouns"),
        ("verb_class", 4, "there is no class 4"),
        ("noun_class", "x", "'x' is no whole number"),
        ("narration", " ", "is empty"),
    ],
)
def test_what_is_wrong_in_a_row_is_said_by_file_row_and_column(tmp_path, column, value, said):
    write(tmp_path)
    write_csv(tmp_path / VALIDATION, rows(TEST, **{column: (2, value)}))
    with pytest.raises(InputError) as error:
        read(tmp_path)
    assert said in str(error.value)
    assert f"{VALIDATION}, row 4, key {column!r}" in str(error.value)


def test_classes_in_another_order_are_told_from_slips(tmp_path):
    write(tmp_path)
    write_csv(tmp_path / VALIDATION, rows(TEST, verb=(2, "switch-on")))
    assert "row 4 (switch-on)" in read(tmp_path).notes[0]
    write_csv(tmp_path / "EPIC_100_verb_classes.csv", classes([VERBS[1], VERBS[0], *VERBS[2:]]))
    with pytest.raises(InputError, match=r"which .* calls '.*', and so in 9 of 10 rows"):
        read(tmp_path)
    write_csv(tmp_path / "EPIC_100_verb_classes.csv", classes(VERBS))
    write_csv(tmp_path / "EPIC_100_noun_classes.csv", classes(list(reversed(NOUNS))))
    with pytest.raises(InputError, match="different orders: take both of one version"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ([("take", ["take"]), ("", ["put"])], "row 3, key 'key': is empty"),
        ([("take", ["take"]), ("take", ["put"])], "'take' is class 0 already"),
    ],
)
def test_a_class_without_text_or_with_anothers_is_refused(tmp_path, made, said):
    write_csv(tmp_path / "verbs.csv", classes(made))
    with pytest.raises(InputError, match=said):
        read_classes(tmp_path / "verbs.csv")


def test_numbers_of_classes_have_no_gap_and_come_once(tmp_path):
    for numbers, said in (((0, 2), "there is no class 1"), ((0, 0), "class 0 is in row 2 already")):
        made = [{**one, "id": number} for one, number in zip(classes(VERBS[:2]), numbers, strict=True)]
        write_csv(tmp_path / "verbs.csv", made)
        with pytest.raises(InputError, match=said):
            read_classes(tmp_path / "verbs.csv")


def test_a_file_that_is_cut_short_or_missing(tmp_path):
    write(tmp_path)
    path = tmp_path / VALIDATION
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"cells, the first line names 15|no CSV"):
        read(tmp_path)
    for name in PARTS.values():
        (tmp_path / name).unlink()
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path)


def test_a_narration_in_no_class_list(tmp_path):
    write(tmp_path)
    verbs, nouns = (read_classes(tmp_path / f"EPIC_100_{name}_classes.csv") for name in ("verb", "noun"))
    row = {"narration_id": "a", "narration": "open door", "verb_class": 0, "noun_classes": [3, 1]}
    write_csv(tmp_path / "sentences.csv", [row])
    assert read_narrations([tmp_path / "sentences.csv"], verbs, nouns) == (["open door"], [0], [3])
    for changed, said in (
        ({"verb_class": 9}, "no class 9"),
        ({"noun_classes": [9]}, r"in \[9\]"),
        ({"noun_classes": []}, r"in \[\]"),
    ):
        write_csv(tmp_path / "sentences.csv", [{**row, **changed}])
        with pytest.raises(InputError, match=said):
            read_narrations([tmp_path / "sentences.csv"], verbs, nouns)
