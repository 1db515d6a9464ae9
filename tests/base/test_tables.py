import errno
import subprocess
import sys

import polars as pl
import pyarrow.parquet as pq
import pytest

from stages.base import tables
from stages.base.errors import GateError, InputError, guard
from stages.base.journal.store import Journal
from stages.base.schema import SPLITS
from stages.base.tables import read_json, read_table, rounded, write_json, write_pieces, write_table

ROWS = [{"protocol": "cs", "fold": "", "clip_id": clip, "part": "test"} for clip in "bca"]


def test_same_rows_same_bytes_in_any_order(tmp_path):
    write_table(tmp_path / "a", ROWS, SPLITS)
    write_table(tmp_path / "b", ROWS[::-1], SPLITS)
    write_table(tmp_path / "c", read_table(tmp_path / "a", SPLITS), SPLITS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()
    assert read_table(tmp_path / "a", SPLITS)["clip_id"].to_list() == ["a", "b", "c"]


def test_however_few_rows_are_held_at_once_the_bytes_are_the_same(tmp_path, monkeypatch):
    write_table(tmp_path / "a", ROWS, SPLITS)
    monkeypatch.setattr(tables, "_AT_ONCE", 2)
    write_table(tmp_path / "b", iter(ROWS), SPLITS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with pytest.raises(ValueError, match="two rows share"):
        write_table(tmp_path / "c", ROWS + ROWS[:1], SPLITS)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_pieces_of_any_size_give_the_bytes_of_the_whole_and_are_read_as_it_is(tmp_path, monkeypatch, size):
    monkeypatch.setattr(tables, "_GROUP", 2)  # rows of a row group: pieces end within one, and at its end
    rows = [{"protocol": p, "fold": "", "clip_id": clip, "part": "test"} for p in ("a", "b") for clip in "cbdea"]
    write_table(tmp_path / "whole", rows, SPLITS)
    whole = read_table(tmp_path / "whole", SPLITS)
    write_pieces(tmp_path / "pieces", (whole[start : start + size][::-1] for start in range(0, 10, size)), SPLITS)
    assert (tmp_path / "pieces").read_bytes() == (tmp_path / "whole").read_bytes()
    seen = []
    tests = read_table(tmp_path / "pieces", SPLITS, lambda piece: seen.append(len(piece)) or piece[1:])
    assert seen == [2] * 5
    assert tests.equals(whole[1::2])


def test_pieces_that_are_not_in_order_are_refused(tmp_path):
    write_table(tmp_path / "whole", ROWS, SPLITS)
    whole = read_table(tmp_path / "whole", SPLITS)
    for pieces in ([whole[1:], whole[:1]], [whole[:2], whole[1:]]):
        with pytest.raises(ValueError, match="comes after"):
            write_pieces(tmp_path / "a", pieces, SPLITS)
    with pytest.raises(ValueError, match="two rows share"):
        write_pieces(tmp_path / "a", [pl.concat([whole, whole])], SPLITS)
    assert not (tmp_path / "a").exists()


def test_empty_table(tmp_path):
    write_table(tmp_path / "a", [], SPLITS)
    assert read_table(tmp_path / "a", SPLITS).height == 0
    write_pieces(tmp_path / "b", [], SPLITS)
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()


def test_row_given_twice_is_refused(tmp_path):
    with pytest.raises(ValueError, match="two rows share"):
        write_table(tmp_path / "a", ROWS + ROWS[:1], SPLITS)
    with pytest.raises(ValueError, match="not in the schema"):
        write_table(tmp_path / "a", [{**ROWS[0], "other": 1}], SPLITS)


@pytest.mark.parametrize("content", [None, b"", b"PAR1 not really"])
def test_unusable_file_is_a_users_error(tmp_path, content):
    if content is not None:
        (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match="a: "):
        read_table(tmp_path / "a", SPLITS)


def test_json_is_stable_and_whole(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1 / 3, "a": [0.1 + 0.2, {"é": 2}]})
    assert (tmp_path / "a.json").read_text() == '{\n "a": [\n  0.3,\n  {\n   "é": 2\n  }\n ],\n "b": 0.333333\n}\n'
    assert rounded((1.23456789, "x")) == [1.234568, "x"]
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"a": object()})
    assert read_json(tmp_path / "a.json")["b"] == 0.333333
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            InputError("bad value", file="f.csv", row=3, key="k", do="mend it"),
            "f.csv, row 3, key 'k': bad value\n  what to do: mend it",
        ),
        (GateError("no"), "error: no"),
        (OSError(errno.ENOSPC, "No space left"), "disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "/mnt/journal"), "/mnt/journal: Read-only file system"),
        (PermissionError(errno.EACCES, "Permission denied", "/mnt/journal"), "HAR_JOURNAL a folder that it can write"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_guard_shows_users_errors_without_a_trace(error, says):
    def main():
        raise error

    with pytest.raises(SystemExit) as stop:
        guard(main)
    assert says in str(stop.value.code)


def test_guard_shows_the_trace_of_what_is_refused_and_is_no_file():
    def refused():
        raise PermissionError(errno.EPERM, "Operation not permitted")

    with pytest.raises(PermissionError):
        guard(refused)


@pytest.mark.parametrize("stop", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_guard_says_what_is_kept_where_something_is(stop, tmp_path, monkeypatch):
    def run(*opened):
        def main():
            for one in opened:
                one()
            raise stop

        with pytest.raises(SystemExit) as end:
            guard(main)
        return str(end.value.code)

    assert "run the same command again; it starts from the beginning" in run()
    assert "again; finished samples are in the journal" in run(lambda: Journal("probe"))
    assert "journal" not in run()  # of another stage in this process


def test_a_disk_that_fills_under_weights_is_told_as_any_other(tmp_path):
    code = (
        "import resource, torch; from safetensors.torch import save_file; from stages.base.errors import guard\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        f"guard(lambda: save_file({{'weight': torch.zeros(300, 300)}}, {str(tmp_path / 'a.safetensors')!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the disk is full")


def test_guard_lets_bugs_through():
    def main():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        guard(main)


def test_a_flipped_bit_of_a_table_is_refused_wherever_it_is(tmp_path):
    """Pages have checksums, the footer has none: a row group of 268 rows instead of 300 was read as such."""
    rows = [
        {"protocol": "cs", "fold": "", "clip_id": f"clip{number:05}", "part": ("train", "test")[number % 2]}
        for number in range(300)
    ]
    path = tmp_path / "splits.parquet"
    write_table(path, rows, SPLITS)
    content, whole = path.read_bytes(), read_table(path, SPLITS)
    refused = 0
    for place in range(len(content) - 8 - pq.read_metadata(path).serialized_size, len(content)):
        for bit in range(8):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])
            try:
                assert read_table(path, SPLITS).equals(whole), (place, bit)
            except InputError:
                refused += 1
    assert refused > 4000
