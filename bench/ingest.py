"""How `ingest` grows with the number of clips: seconds, clips a second, peak memory; beside a plain loop of `probe`.

    python -m bench.ingest [clips ...]

The clips are one short clip (3 s, 192 x 144, H.264) under Smarthome's names, each made a file of its own by bytes after
its end, so that none is in the journal. Reading names, hashing, decoding, six protocols, audit and tables are timed.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

from bench.smarthome import INGEST, names

SIZES = (1000, 4000, 16115)
LOOPED = 200


def clip(path: Path) -> bytes:
    """Return the bytes of a clip in which a square crosses the picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 192, 144, "yuv420p"
        ground = np.random.default_rng(0).integers(60, 200, (144, 192, 3), dtype=np.uint8)
        for number in range(75):
            image = ground.copy()
            image[50:90, 2 * number : 2 * number + 40] = (220, 40, 40)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path.read_bytes()


def render(folder: Path, count: int) -> None:
    """Write `count` clips, all different as files."""
    folder.mkdir()
    content = clip(folder.parent / "one.mp4")
    for name in names(count):
        (folder / f"{name}.mp4").write_bytes(content + name.encode())


def ingest(folder: Path) -> None:
    """Do what the stage does, and print seconds and MiB."""
    from stages.base.params import compute
    from stages.base.schema import MANIFEST, SPLITS
    from stages.base.tables import write_pieces, write_table
    from stages.ingest.adapters import load
    from stages.ingest.manifest_rows import rows_of
    from stages.ingest.params import IngestParams
    from stages.ingest.probing import probe_rows
    from stages.ingest.sources import read_source
    from stages.ingest.split import split

    params = IngestParams.model_validate({**INGEST, "published": {}, "official": {}})
    for _ in range(2):
        start = time.monotonic()
        adapter = load(params.adapter)
        source = read_source(folder)
        probed = probe_rows(rows_of(source.entries, adapter), compute().processes, folder.parent / "no.parquet")
        seen = time.monotonic() - start
        splits = split(probed.rows, source.others, params, adapter)
        write_table(folder.parent / "manifest.parquet", (row.written() for row in probed.rows), MANIFEST)
        write_pieces(folder.parent / "splits.parquet", splits.tables(), SPLITS)
        peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        # The second round's peak is no run's: the first one's rows are still held.
        print(f"{seen:.1f} {time.monotonic() - start:.1f} {peaks[0]:.0f} {peaks[1]:.0f}")


def loop(folder: Path) -> float:
    """Return clips a second of a plain loop in one process."""
    from stages.base.video.decode import probe

    paths = sorted(folder.iterdir())[:LOOPED]
    start = time.monotonic()
    for path in paths:
        assert probe(path).error is None
    return len(paths) / (time.monotonic() - start)


def main() -> None:
    """Print a line for each size."""
    if len(sys.argv) == 3 and sys.argv[1] == "--one":
        ingest(Path(sys.argv[2]))
        return
    for count in [int(size) for size in sys.argv[1:]] or SIZES:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "clips"
            render(folder, count)
            env = {**os.environ, "HAR_JOURNAL": f"{place}/journal"}
            done = subprocess.run(
                [sys.executable, "-m", "bench.ingest", "--one", folder],
                env=env,
                capture_output=True,
                text=True,
                check=True,
            )
            (seen, first, own, workers), (_, again, *_) = (
                [float(x) for x in line.split()] for line in done.stdout.splitlines()
            )
            plain = loop(folder)
        print(
            f"{count} clips: {first:.1f} s ({seen:.1f} s of it hashing and decoding), with the journal {again:.1f} s;"
            f" {count / seen:.0f} clips/s, {count / seen / plain:.2f} times a plain loop's {plain:.0f};"
            f" peak {own:.0f} MiB, a worker {workers:.0f} MiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
