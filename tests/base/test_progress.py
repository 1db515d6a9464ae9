"""What a user sees of a long stage: a bar in a terminal, plain lines in a log, one line at the end."""

import os
import pty
import re
import subprocess
import sys
import time

from stages.base.progress import Progress, closing
from tests.conftest import ROOT

STAGE = """
import time
from stages.base.progress import Progress, closing
with Progress("probe", 400, known=100) as progress:
    for _ in range(300):
        progress.advance()
        time.sleep(0.002)
closing("probe", "400 clips", 100, ["a", "b"])
"""


def test_a_terminal_gets_a_bar_with_done_total_rate_time_left_and_what_the_journal_spared():
    ours, terminal = pty.openpty()
    command = [sys.executable, "-c", STAGE]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        seen = b""
        try:
            while chunk := os.read(ours, 65536):
                seen += chunk
        except OSError:  # the other end is closed
            os.close(ours)
    assert process.returncode == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    bars = [line for line in re.split(r"[\r\n]+", shown) if line.startswith("probe ") and "━" in line]
    assert len(bars) > 2
    assert re.search(r" 400/400 \d+\.\d/s, 100 from journal +0:00:0\d 0:00:00", bars[-1])
    assert shown.count("probe: 400 clips; 100 from journal; failed 2: a, b") == 1
    assert "left, " not in shown


def test_a_log_gets_plain_lines_and_loading_a_model_is_no_part_of_the_pace(capsys, monkeypatch):
    clock = iter([0.0, 300.0, 302.0, 304.0])  # seconds: the start, then each time that samples are done
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with Progress("probe", 50, known=10, every=1) as progress:
        for _ in range(3):
            progress.advance(10)
    assert capsys.readouterr().err.splitlines() == [
        "probe: 20/50, 10 from journal",
        "probe: 30/50, 5.0/s, 4 s left, 10 from journal",
        "probe: 40/50, 5.0/s, 2 s left, 10 from journal",
    ]


def test_a_short_stage_leaves_no_line_in_a_log(capsys):
    with Progress("probe", 2) as progress:
        progress.advance(2)
    assert capsys.readouterr() == ("", "")


def test_the_closing_line_names_a_few_of_those_that_failed(capsys):
    closing("probe", "9 clips", 0, [f"clip{number}" for number in range(7)])
    assert capsys.readouterr().out == (
        "probe: 9 clips; 0 from journal; failed 7: clip0, clip1, clip2, clip3, clip4 ...\n"
    )
