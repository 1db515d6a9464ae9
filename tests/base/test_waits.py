"""A named pipe below `data/` is named before DVC waits for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stages.base.errors import InputError
from stages.base.waits import check
from tests.conftest import ROOT


def test_a_pipe_is_named_and_make_asks_before_dvc(tmp_path: Path) -> None:
    (tmp_path / "data/ward/clips").mkdir(parents=True)
    (tmp_path / "data/ward/clips/a.mp4").write_bytes(b"a video")

    def waits() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "stages.base.waits"]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60)

    assert waits().returncode == 0
    os.mkfifo(tmp_path / "data/ward/clips/b.mp4")
    done = waits()
    assert done.returncode == 1
    assert "data/ward/clips/b.mp4: it is a pipe" in done.stderr
    assert "Traceback" not in done.stderr
    assert "stages.base.waits" in (ROOT / "Makefile").read_text().partition("\nnames: setup\n")[2].partition("\n\n")[0]


def test_a_pipe_behind_a_link_is_one_and_a_broken_link_is_none(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data/clips").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/broken").symlink_to(tmp_path / "nothing")
    assert check(tmp_path / "data") == 1
    os.mkfifo(tmp_path / "elsewhere/b.mp4")
    with pytest.raises(InputError, match="1 of its files are none"):
        check(tmp_path / "data")
    assert check(tmp_path / "nothing") == 0
