import sys

from stages.base.journal.previous import previous
from tests.conftest import ROOT, dvc

STAGE = """
stages:
  copy:
    matrix: {{cell: [a]}}
    cmd: {python} work.py
    deps: [in.txt]
    outs: [data/out.txt, data/folder]
"""
# DVC deletes the outputs before this runs: what it still finds of them comes from the cache.
COPY = """
from pathlib import Path
from stages.base.journal.previous import previous
paths = [Path(name) for name in ("data/out.txt", "data/folder/in/x.txt", "data/folder/no.txt", "data/other.txt")]
seen = [found.read_text() if (found := previous(path)) else "-" for path in paths]
Path("seen.txt").write_text(" ".join(seen))
Path("data/folder/in").mkdir(parents=True)
for path in paths[:2]:
    assert not path.exists()
    path.write_text(Path("in.txt").read_text())
"""


def test_a_running_stage_finds_what_the_last_run_left(tmp_path):
    (tmp_path / "dvc.yaml").write_text(STAGE.format(python=sys.executable))
    (tmp_path / "work.py").write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{COPY}")
    dvc("init", "-q", "--no-scm", cwd=tmp_path)
    for text, seen in (("one", "- - - -"), ("two", "one one - -")):
        (tmp_path / "in.txt").write_text(text)
        dvc("repro", "-q", cwd=tmp_path)
        assert (tmp_path / "seen.txt").read_text() == seen


def test_by_hand_it_is_the_output_itself(tmp_path, monkeypatch):
    monkeypatch.delenv("DVC_STAGE", raising=False)
    assert previous(tmp_path / "out.txt") is None
    (tmp_path / "out.txt").write_text("one")
    assert previous(tmp_path / "out.txt") == tmp_path / "out.txt"
