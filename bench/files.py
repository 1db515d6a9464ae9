"""What DVC costs for many files, and for the same bytes in few: `python -m bench.files [--files 2000]`.

Seconds of a core, which what else the machine does hardly moves. `add` reads, hashes and copies all of it; `status` is
what each `dvc repro` does to an input that is as it was; `changed` is an `add` after one file was written again;
`checkout` brings the whole folder back from the cache.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dvc.repo import Repo

#: Bytes of a file, as of a short clip; files that one shard holds.
SIZE, SHARD = 50_000, 1_000


def seconds(folder: Path, act: Callable[[Any], Any]) -> float:
    """Return how many seconds of a core an act in a repository takes, opened for it as a command does."""
    start = time.process_time()
    with Repo(str(folder)) as repo:
        act(repo)
    return time.process_time() - start


def measure(folder: Path, files: int, size: int) -> dict[str, float]:
    """Return the seconds of each command in a new repository that has so many files of so many bytes."""
    data = folder / "data"
    data.mkdir(parents=True)
    Repo.init(str(folder), no_scm=True).close()
    for number in range(files):
        (data / f"{number:07}.bin").write_bytes(os.urandom(size))
    found = {"add": seconds(folder, lambda repo: repo.add(str(data)))}
    found["status"] = seconds(folder, lambda repo: repo.status())
    (data / f"{0:07}.bin").write_bytes(os.urandom(size))
    found["changed"] = seconds(folder, lambda repo: repo.add(str(data)))
    shutil.rmtree(data)
    found["checkout"] = seconds(folder, lambda repo: repo.checkout())
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2_000)
    count = parser.parse_args().files
    shards = -(-count // SHARD)
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name) / "first", 1, 1)  # what is imported only once
        many = measure(Path(name) / "many", count, SIZE)
        few = measure(Path(name) / "few", shards, SIZE * count // shards)
    print(f"{count * SIZE / 1e6:.0f} MB\n\n| | {count} files | {shards} files |\n|---|---|---|")
    for what in many:
        print(f"| {what} | {many[what]:.2f} s | {few[what]:.2f} s |")


if __name__ == "__main__":
    main()
