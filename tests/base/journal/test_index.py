"""The index of a long segment: the same answers as without it, whatever happens to either file."""

import json
import os

import numpy as np
import pytest

from stages.base.errors import InputError
from stages.base.journal import index, store
from stages.base.journal.index import index_of
from stages.base.journal.store import Journal, journal_key, prune

KEYS = [journal_key(sample=number) for number in range(50)]


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Take any segment for a long one."""
    monkeypatch.setattr(store, "LEAST", 0)


def filled():
    """Write a journal of two segments, one of which has a record that both have; return the segments."""
    for part in (range(30), range(25, 50)):
        with Journal("room") as journal:
            for number in part:
                status = {"status": "ok"} if number % 2 else {}
                journal.put(KEYS[number], {"text": f'thing {number}, "status": odd', "of": part.start, **status})
    return sorted(journal.folder.glob("*.jsonl"))


def answers(*kinds):
    with Journal("room", *kinds) as journal:
        return len(journal), journal.keys(), {key: journal.get(key)["text"] for key in journal.keys()}  # noqa: SIM118


@pytest.mark.parametrize("kinds", [(), (("text", "status"),), (("status", "of"), ("none",))])
def test_it_answers_as_every_byte_does(monkeypatch, kinds):
    segments = filled()
    for segment in segments:
        index_of(segment).unlink(missing_ok=True)
    without = answers(*kinds)
    assert [index_of(segment).exists() for segment in segments] == [True, True]
    monkeypatch.setattr(store, "make_index", None)  # it is there
    assert answers(*kinds) == without
    monkeypatch.setattr(store, "LEAST", 2**20)
    for segment in segments:
        index_of(segment).unlink()
    assert answers(*kinds) == without
    assert len(without[1]) == (50 if not kinds else 25)


def test_of_a_key_that_two_segments_have_the_later_one_counts_with_and_without():
    segments = filled()
    for segment in segments:
        index_of(segment).unlink(missing_ok=True)
    with Journal("room") as journal:
        scanned = journal.get(KEYS[27])
    with Journal("room") as journal:
        assert journal.get(KEYS[27]) == scanned


def test_what_was_appended_since_is_read():
    segment = filled()[0]
    answers()
    with Journal("other") as other:
        other.put(journal_key(late=1), {"text": "late"})
    with segment.open("ab") as out:
        out.write(next(other.folder.glob("*.jsonl")).read_bytes())
    with Journal("room") as journal:
        assert journal.get(journal_key(late=1)) == {"text": "late"}
        assert len(journal) == 51


@pytest.mark.parametrize("damage", ["cut", "flipped", "head", "empty", "longer than its segment"])
def test_a_damaged_index_is_not_taken(damage):
    segment = filled()[0]
    whole = answers()
    file = index_of(segment)
    content = file.read_bytes()
    if damage == "longer than its segment":
        segment.write_bytes(segment.read_bytes()[:100])
        assert len(answers()[1]) < len(whole[1])
        return
    flipped = content[:-5] + bytes([content[-5] ^ 1]) + content[-4:]
    bad = {"cut": content[:-7], "flipped": flipped, "head": b"{" + content, "empty": b""}[damage]
    file.write_bytes(bad)
    assert answers() == whole


def test_a_record_that_was_damaged_later_is_an_error_and_then_missing():
    segment = filled()[0]
    answers()
    with Journal("room") as journal:
        (key,) = [key for key in KEYS[:25] + KEYS[30:] if journal._place(key).segment == segment][:1]
        text = json.dumps(journal.get(key)["text"])[1:-1].encode()
    damaged = segment.read_bytes().replace(text, text.replace(b"thing", b"THING"))
    segment.write_bytes(damaged)
    with Journal("room") as journal, pytest.raises(InputError, match="was damaged"):
        journal.get(key)
    with Journal("room") as journal:
        assert key not in journal
        assert len(journal) == 49


def test_a_key_that_is_no_hash_has_no_index_and_is_found():
    with Journal("room") as journal:
        journal.put("a", {"text": "x"})
    assert answers() == (1, {"a"}, {"a": "x"})
    assert not list(journal.folder.glob("*.index"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_cannot_be_written_is_read():
    segments = filled()
    segments[0].parent.chmod(0o500)
    assert len(answers()[1]) == 50


def test_pruning_takes_the_index_away():
    filled()
    answers()
    assert prune("room", set(KEYS[:3])) == (3, 47)
    assert answers()[1] == set(KEYS[:3])
    with Journal("room") as journal:
        assert len(list(journal.folder.glob("*.index"))) == len(list(journal.folder.glob("*.jsonl"))) == 1


def test_keys_whose_first_half_is_the_same_are_told_apart():
    rows = np.array([(7, 2, 10, 5, 0), (7, 1, 20, 6, 0), (9, 1, 30, 7, 0)], index.RECORD)
    found = index.Indexed(["segment"], [rows])
    assert [found.find(f"{7:016x}{low:016x}") for low in (1, 2, 3)] == [("segment", 20, 6), ("segment", 10, 5), None]
