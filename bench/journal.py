"""A journal of a million records: how long it takes to open, to look a record up, and what memory it holds.

    python -m bench.journal [records]

A record is a text of a few words, how it ended and its tokens. Each figure is of a process of its own: the first reads
every byte and writes the index, the second reads that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from stages.base.journal.store import journal_key

OPEN = """
import resource, sys, time
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
from stages.base.journal.store import Journal, journal_key
keys = [journal_key(sample=number) for number in range(0, int(sys.argv[1]), 997)]
start = time.perf_counter()
journal = Journal("million")
opened = time.perf_counter()
for key in keys:
    journal.get(key)
done = time.perf_counter()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(f"{len(journal)} {opened - start:.2f} {1000 * (done - opened) / len(keys):.4f} {(after - before) / 1024:.0f}")
"""


def write(folder: Path, records: int, segments: int = 8) -> None:
    """Write the segments of a journal as `Journal.put` does, without its calls to the operating system."""
    folder.mkdir(parents=True)
    for segment in range(segments):
        with (folder / f"{segment:032x}.jsonl").open("wb") as out:
            for number in range(segment, records, segments):
                value = {"text": f"a person is doing thing {number}", "status": "ok", "tokens": number % 97}
                body = json.dumps(value, separators=(",", ":")).encode() + b"\n"
                out.write(b"%s\t%08x\t" % (journal_key(sample=number).encode(), zlib.crc32(body)) + body)


def main() -> None:
    """Print the figures."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "million", records)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.jsonl"))
        print(f"{records} records, {size / 1e6:.0f} MB")
        for kind in ("the first time", "with an index"):
            command = [sys.executable, "-c", OPEN, str(records)]
            done = subprocess.run(command, env={**os.environ, "HAR_JOURNAL": folder}, capture_output=True, check=True)
            found, seconds, each, memory = done.stdout.decode().split()
            print(f"{kind}: {found} records open in {seconds} s, one look-up {each} ms, {memory} MB")


if __name__ == "__main__":
    main()
