"""What a clip costs before a model sees it, and who pays: `python -m bench.feed`.

Without a cluster, and before a server, the process that asks reads keyframes, decodes them and hashes their pixels for
the journal's key. Over Ray workers do: once to tell the digest, again when they are asked. The process that asks then
sends where the keyframes are and journals what comes back. Seconds of a core, which what else the machine does hardly
moves; two JPEGs of 640 x 480 a clip, one question about each, and no model.
"""

from __future__ import annotations

import os
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stages.base.journal.store import Journal
from stages.base.parallel.cluster import actor_map
from stages.base.schema import KEYFRAMES
from stages.base.tables import write_json
from stages.base.video.keyframe_table import CLIPS_PER_GROUP, INDEX, shard_name
from stages.base.video.sample import decoded, encoded
from stages.vlm.ask import ask_all
from stages.vlm.base import Answer, Media, Request
from stages.vlm.clustered import looked_at
from stages.vlm.places import Keyframes

CLIPS, SIZE, BATCH = 256, (640, 480), 32


class Answers:
    """A back end that knows every answer; over Ray, its workers do."""

    revision, samples = "0" * 64, False

    def __init__(self, ray: bool) -> None:
        self.ray = ray

    def shape(self) -> dict[str, Any]:
        """Return as much as a model's."""
        return {"backend": "local", "name": "a model", "revision": self.revision, "libraries": dict.fromkeys("abcdef")}

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Answer]]:
        """Yield an answer as long as a caption."""
        return actor_map(knows, requests, BATCH, 0) if self.ray else known(requests)  # type: ignore[return-value]


def knows() -> Callable[[Sequence[Request]], Iterator[tuple[Request, Answer]]]:
    """Return what answers in a worker."""
    return known


def known(requests: Sequence[Request]) -> Iterator[tuple[Request, Answer]]:
    """Yield the same answer to each."""
    for request in requests:
        yield request, Answer("A person walks to the table and sits down. " * 3, tokens_in=531, tokens_out=32)


def cost(act: Callable[[Any], Any], given: list[Any]) -> tuple[float, list[Any]]:
    """Return the milliseconds of a core that each item takes, and what they become."""
    start = time.process_time()
    made = [act(one) for one in given]
    return 1000 * (time.process_time() - start) / len(given), made


def asking(media: list[Any], ray: bool, prompt: str) -> float:
    """Return the milliseconds of this process's core that it takes to ask about a clip."""
    with Journal("feed") as journal:
        start = time.process_time()
        count = sum(1 for _ in ask_all(Answers(ray), [Request(prompt, shown) for shown in media], journal))
        return 1000 * (time.process_time() - start) / count


def picture(seed: int) -> bytes:
    """Return a JPEG that is as smooth as one of a camera: noise of 80 x 60 made larger."""
    coarse = np.random.default_rng(seed).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    return encoded(cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC), "jpeg", 95)


def write(folder: Path, files: list[list[bytes]]) -> list[Keyframes]:
    """Write a shard of keyframes; return where each clip's are."""
    names = [f"clip{clip:05}" for clip in range(len(files))]
    rows = [
        {"clip_id": name, "rank": rank, "frame": rank, "time": 0.0, "image": {"bytes": data, "path": None}}
        for name, pair in zip(names, files, strict=True)
        for rank, data in enumerate(pair)
    ]
    folder.mkdir()
    table = pa.Table.from_pylist(rows, KEYFRAMES)
    pq.write_table(table, folder / shard_name(0), row_group_size=2 * CLIPS_PER_GROUP)
    write_json(folder / INDEX, {"shards": [shard_name(0)]})
    return [Keyframes(folder, name, 2) for name in names]


def measure() -> None:
    """Measure and print, in the working directory."""
    files = [[picture(2 * clip), picture(2 * clip + 1)] for clip in range(CLIPS)]
    places = write(Path.cwd() / "keyframes", files)
    decoding, frames = cost(lambda pair: [np.asarray(decoded(one)) for one in pair], files)
    hashing, _ = cost(lambda pair: Media("images", pair), frames)
    opening, media = cost(lambda place: place.open(), places)
    own = opening + asking(media, False, "Describe.")
    stored = sum(len(one) for pair in files for one in pair) / len(files) / 1e6
    print(
        f"opening {opening:.1f} ms of a core a clip (decoding {decoding:.1f}, hashing {hashing:.1f}), {stored:.2f} MB"
    )
    print(f"locally the process that asks takes {own:.1f} ms, so it feeds {1000 / own:.0f} clips/s")

    asking(looked_at(places), True, "Describe it.")  # the cluster and its workers start
    looking, told = cost(lambda _: looked_at(places), [None])
    over = looking / CLIPS + asking(told[0], True, "Describe what it shows.")
    sent = len(pickle.dumps(Request("Describe what it shows.", told[0][0])))
    print(
        f"over Ray it takes {over:.2f} ms, so it feeds {1000 / over:.0f} clips/s, and sends {sent} bytes a clip; "
        f"its workers take {2 * opening:.1f} ms"
    )


def main() -> None:
    """Measure in a folder of its own, with a cluster of one worker on this machine."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["HAR_JOURNAL"] = f"{name}/journal"
        os.chdir(name)
        Path("compute.yaml").write_text("{engine: ray, workers: 1}")
        measure()


if __name__ == "__main__":
    main()
