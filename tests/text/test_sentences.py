from pathlib import Path

import numpy as np
import pytest

from stages.base.journal.store import Journal
from stages.base.schema import EMBEDDINGS
from stages.base.tables import read_table
from stages.text.model import PACKAGED
from stages.text.sentences import Sentences

TEXTS = [f"A person is {what}." for what in ("walking", "reading a book", "drinking", "cooking", "leaving the room")]


@pytest.fixture
def embed(tmp_path, monkeypatch):
    """Embed texts with a journal of its own, and write the cell's file if it has a name."""
    monkeypatch.chdir(tmp_path)

    def run(texts, journal="journal", cell=None, own=None):
        monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / journal))
        with Journal("embed") as opened:
            sentences = Sentences(PACKAGED, opened, own)
            vectors = sentences.embed(texts)
            if cell:
                sentences.write(Path("data/home/measures") / cell / "embeddings.parquet")
        return vectors, sentences.computed

    return run


def test_each_distinct_text_is_computed_once(embed):
    vectors, computed = embed([*TEXTS, *TEXTS[:3]])
    assert computed == len(TEXTS)
    assert np.array_equal(vectors[:3], vectors[-3:])
    again, computed = embed([*TEXTS[::-1], "one more"])
    assert computed == 1
    assert np.array_equal(again[:-1], vectors[:5][::-1])


def test_a_clone_without_a_journal_starts_from_what_earlier_cells_wrote(embed):
    vectors, _ = embed(TEXTS, cell="first")
    again, computed = embed([*TEXTS, "a new one"], journal="another")
    assert computed == 1
    assert np.array_equal(again[:-1], vectors)
    assert embed(TEXTS, journal="another")[1] == 0


def test_the_same_bytes_computed_from_a_journal_and_refilled(embed):
    files = []
    for cell, journal in (("computed", "one"), ("from_journal", "one"), ("refilled", "two")):
        embed(TEXTS if cell != "refilled" else TEXTS[::-1], journal=journal, cell=cell)
        files.append(Path(f"data/home/measures/{cell}/embeddings.parquet").read_bytes())
    assert files[0] == files[1] == files[2]


def test_the_file_of_the_running_cell_is_found_where_the_caller_says(embed, tmp_path):
    embed(TEXTS, cell="own")
    own = tmp_path / "elsewhere.parquet"
    Path("data/home/measures/own/embeddings.parquet").rename(own)
    assert embed(TEXTS, journal="another", own=own)[1] == 0


def test_an_unreadable_file_is_named_and_left_aside(embed, capsys):
    embed(TEXTS, cell="broken")
    file = Path("data/home/measures/broken/embeddings.parquet")
    file.write_bytes(file.read_bytes()[:2000])
    assert embed(TEXTS[:2], journal="another")[1] == 2
    assert str(file) in capsys.readouterr().err


def test_a_table_of_no_texts(embed):
    embed([], cell="none")
    assert not len(read_table(Path("data/home/measures/none/embeddings.parquet"), EMBEDDINGS))
