"""What `infer` costs around its model, and what of its memory grows with the clips: `python -m bench.infer`.

The model is the tests' guesser, which costs next to nothing, over two keyframes of 24 x 32 pixels a clip; each line is
a process of its own. `first` asks every question, `again` finds every answer in the journal, `refilled` has nothing but
the last output. What grows is the rows of the table and the journal's keys, never the media.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.small_run import PARAMS, guessing, write_run

SIZES = (1_000, 4_000, 16_115)


def main() -> None:
    """Print a line for each size and kind of run."""
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            write_run(Path(folder), size, values=PARAMS | {"infer": {"home": {"parts": []}}})
            for kind in ("first", "again", "refilled"):
                if kind == "refilled":
                    shutil.rmtree(Path(folder) / ".journal")
                env = os.environ | {"HAR_JOURNAL": ".journal", "PYTHONPATH": str(Path(__file__).parents[1])}
                command = [sys.executable, "-m", "bench.infer", kind, str(size)]
                subprocess.run(command, cwd=folder, env=env, check=True)


def one(kind: str, size: int) -> None:
    """Run the stage in the working directory and print what it took."""
    before = peak()
    start = time.perf_counter()
    guessing("infer", ["home", "guess_list", "guess", "list", "all"], skill=0.5)
    took = time.perf_counter() - start
    memory = f"peak {peak():4.0f} MiB ({peak() - before:+.0f} over the imports)"
    print(f"{kind:9} {size:6} clips: {took:6.1f} s, {1000 * took / size:5.2f} ms a clip, {memory}", flush=True)


def peak() -> float:
    """Return this process's peak memory in MiB (getrusage's would include the parent's)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    one(sys.argv[1], int(sys.argv[2])) if len(sys.argv) == 3 else main()
