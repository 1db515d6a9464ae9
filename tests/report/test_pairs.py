"""The matrix of verbs and nouns: what training had of each pair, and what is tested without."""

from types import SimpleNamespace

import polars as pl

from stages.report import pairs as matrix
from stages.report.pairs import Pair, pairs


def inputs(rows, classes):
    """Return what the matrix reads, of clips (verb, noun, part)."""
    return SimpleNamespace(
        manifest=pl.DataFrame(
            {
                "clip_id": [str(number) for number in range(len(rows))],
                "verb": [row[0] for row in rows],
                "noun": [row[1] for row in rows],
            }
        ),
        splits=pl.DataFrame(
            {
                "protocol": ["given"] * len(rows) + ["other"],
                "clip_id": [str(number) for number in range(len(rows))] + ["0"],
                "part": [row[2] for row in rows] + ["test"],
            }
        ),
        classes=SimpleNamespace(classes=[SimpleNamespace(verb=verb, noun=noun) for verb, noun in classes]),
    )


ROWS = [("take", "cup", "train")] * 4 + [("put", "cup", "train"), ("put", "pot", "test"), ("take", "cup", "test")]
CLASSES = [("take", "cup"), ("put", "cup"), ("put", "pot")]


def test_a_pair_that_is_tested_and_never_trained_is_told():
    found = pairs(inputs(ROWS, CLASSES), "given")
    assert (found.verbs, found.nouns) == (["take", "put"], ["cup", "pot"])
    assert found.rows == [[Pair(4, 1, 90), Pair(0, 0, 0)], [Pair(1, 0, 45), Pair(0, 1, 0)]]
    assert (found.new, found.left_out) == (1, 0)


def test_labels_that_are_not_made_of_two_have_no_matrix():
    assert pairs(inputs([(None, None, "train"), (None, None, "test")], [(None, None)]), "given") is None


def test_rare_verbs_and_nouns_of_a_long_list_are_counted_and_not_shown(monkeypatch):
    monkeypatch.setattr(matrix, "MOST", 1)
    found = pairs(inputs(ROWS, CLASSES), "given")
    assert (found.verbs, found.nouns, found.rows) == (["take"], ["cup"], [[Pair(4, 1, 90)]])
    assert found.left_out == 2
    assert found.new == 1
