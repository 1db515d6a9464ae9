import os
import signal
import subprocess
import sys

import pytest

from stages.base.journal.store import Journal, compute_missing, journal_key, prune


def test_value_survives_and_is_found_again():
    with Journal("room") as journal:
        journal.put("k", {"text": "naïve\n", "p": 0.1})
        assert journal.get("k") == {"text": "naïve\n", "p": 0.1}
    with Journal("room") as again:
        assert again.get("k")["p"] == 0.1
        assert "k" in again
        assert "other" not in again


def test_torn_line_is_skipped_and_the_rest_stays():
    with Journal("room") as journal:
        journal.put("a", {"x": 1})
        journal.put("b", {"x": 2})
    segment = next(journal.folder.glob("*.jsonl"))
    segment.write_bytes(segment.read_bytes()[:-4])
    with Journal("room") as again:
        assert again.keys() == {"a"}


def test_changed_byte_is_noticed():
    with Journal("room") as journal:
        journal.put("a", {"x": "good"})
    segment = next(journal.folder.glob("*.jsonl"))
    segment.write_bytes(segment.read_bytes().replace(b"good", b"evil"))
    with Journal("room") as again:
        assert len(again) == 0


def test_what_another_version_wrote_is_left_aside(capsys):
    with Journal("room") as journal:
        journal.put("now", {"text": 'they say "status": ok', "status": "ok"})
        journal.put("made", {"row": {"text": "x"}})
        journal.put("before", {"text": 'it had no "status": yet'})
    (journal.folder / "0.jsonl").write_bytes(b"\x00\xff\n" * 100)
    (journal.folder / "1.jsonl").mkdir()
    segment = next(path for path in journal.folder.glob("*.jsonl") if len(path.name) > 7)
    segment.write_bytes(b"\xff" + segment.read_bytes() + segment.read_bytes()[:40])
    with Journal("room", ("text", "status"), ("row", "text")) as again:
        assert again.keys() - {"\ufffdnow"} == {"made"}
    with Journal("room") as again:
        assert again.keys() - {"\ufffdnow"} == {"made", "before"}
    assert "left aside" in capsys.readouterr().err


def test_two_writers_at_once():
    with Journal("room") as one, Journal("room") as two:
        one.put("a", {"x": 1})
        two.put("b", {"x": 2})
    with Journal("room") as both:
        assert both.keys() == {"a", "b"}


def test_only_missing_samples_are_computed_and_each_key_once():
    asked = []

    def compute(items):
        asked.extend(items)
        return ((item, {"x": item}) for item in items)

    with Journal("room") as journal:
        assert compute_missing(journal, [1, 2, 2], str, compute) == 2
        assert compute_missing(journal, [2, 3], str, compute) == 1
    assert asked == [1, 2, 3]


KILLED = """
import sys, os, signal
from stages.base.journal.store import Journal
with Journal("room") as journal:
    for sample in range(100):
        if sample == 40:
            os.kill(os.getpid(), signal.SIGKILL)
        journal.put(str(sample), {"x": sample})
"""


def test_kill_loses_nothing_that_was_put():
    done = subprocess.run([sys.executable, "-c", KILLED], check=False)
    assert done.returncode == -signal.SIGKILL
    with Journal("room") as journal:
        assert len(journal) == 40


def test_full_disk_is_an_error_that_loses_nothing():
    import resource

    with Journal("room") as journal:
        journal.put("a", {"x": 1})
    pid = os.fork()
    if pid == 0:
        # A file size limit ends a write as a full disk does: short first, then an error.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            with Journal("room") as journal:
                journal.put("b", {"x": "y" * 200})
        except OSError:
            os._exit(3)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    with Journal("room") as journal:
        assert journal.keys() == {"a"}


def test_prune_keeps_what_is_needed():
    with Journal("room") as journal:
        for name in "abc":
            journal.put(name, {"x": name})
    assert prune("room", {"a", "c", "unknown"}) == (2, 1)
    with Journal("room") as journal:
        assert {name: journal.get(name)["x"] for name in journal.keys()} == {"a": "a", "c": "c"}  # noqa: SIM118


def test_key_knows_every_part_and_no_order():
    assert journal_key(a=1, b="x") == journal_key(b="x", a=1)
    assert len({journal_key(a=1), journal_key(a=2), journal_key(a="1"), journal_key(b=1)}) == 4


def test_missing_key():
    with Journal("room") as journal, pytest.raises(KeyError):
        journal.get("none")
