"""What DVC costs for many files, and for the same bytes in few: `python -m bench.files [--files 10000]`.

Seconds of a core, which what else the machine does hardly moves. `add` reads, hashes and copies all of it; `status` is
what each `dvc repro` does to an input that is as it was; `changed` is an `add` after one file was written again;
`checkout` brings the whole folder back from the cache.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

#: Bytes of a file, as of a short clip; files that one shard holds.
SIZE, SHARD = 50_000, 1_000


def dvc(folder: Path, *arguments: str) -> None:
    """Run DVC."""
    env = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=folder, env=env, check=True, capture_output=True)


def seconds(act: Callable[[], None]) -> float:
    """Return how many seconds of a core the processes take that something starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    act()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(folder: Path, files: int, size: int) -> dict[str, float]:
    """Return the seconds of each command in a new repository that has so many files of so many bytes."""
    data = folder / "data"
    data.mkdir(parents=True)
    dvc(folder, "init", "--no-scm", "-q")
    for number in range(files):
        (data / f"{number:07}.bin").write_bytes(os.urandom(size))
    found = {"add": seconds(lambda: dvc(folder, "add", "-q", "data"))}
    found["status"] = seconds(lambda: dvc(folder, "status", "-q"))
    (data / f"{0:07}.bin").write_bytes(os.urandom(size))
    found["changed"] = seconds(lambda: dvc(folder, "add", "-q", "data"))
    shutil.rmtree(data)
    found["checkout"] = seconds(lambda: dvc(folder, "checkout", "-q"))
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    count = parser.parse_args().files
    shards = -(-count // SHARD)
    with tempfile.TemporaryDirectory() as name:
        start = seconds(lambda: dvc(Path(name), "version"))
        many = measure(Path(name) / "many", count, SIZE)
        few = measure(Path(name) / "few", shards, SIZE * count // shards)
    print(f"{count * SIZE / 1e6:.0f} MB; DVC's own start takes {start:.1f} s of each")
    print(f"| | {count} files | {shards} files |\n|---|---|---|")
    for what in many:
        print(f"| {what} | {many[what]:.1f} s | {few[what]:.1f} s |")


if __name__ == "__main__":
    main()
