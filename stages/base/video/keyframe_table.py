"""Table KEYFRAMES as a folder of shards: which clip lies where, and a reader that holds few images at a time.

A clip's shard is told by the hash of its name, and the number of shards is a power of two that follows the number of
clips. So an added clip rewrites one shard and leaves the others as they are, in DVC's cache and on every remote; and a
data set that outgrows its shards splits each in two. (Sorted over all shards, one new clip would shift all others.)
`index.json` is written last: a folder without it is unfinished.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image as Pictures

from stages.base.errors import InputError
from stages.base.schema import KEYFRAMES
from stages.base.tables import read_json
from stages.base.video.sample import decoded

INDEX = "index.json"
#: Clips of a shard, on average at most: 64 shards for the 16,115 clips of Smarthome.
CLIPS_PER_SHARD = 256
#: Clips of a row group, which is what reading one clip reads. A clip never straddles two.
CLIPS_PER_GROUP = 4


class Keyframe(NamedTuple):
    """A keyframe; the fields are those of table KEYFRAMES, `data` the encoded image."""

    rank: int
    frame: int
    time: float
    data: bytes
    fallback: str | None

    def picture(self) -> Pictures.Image:
        """Return the image as PIL's, RGB."""
        return decoded(self.data)


def shards_for(clips: int) -> int:
    """Return how many shards hold so many clips: a power of two."""
    return 1 << max(0, (-(-clips // CLIPS_PER_SHARD) - 1).bit_length())


def shard_of(clip_id: str, shards: int) -> int:
    """Return the number of a clip's shard."""
    return int.from_bytes(hashlib.blake2b(clip_id.encode(), digest_size=8).digest(), "little") % shards


def shard_name(shard: int) -> str:
    """Return the name of a shard's file."""
    return f"part-{shard:04d}.parquet"


class Shards:
    """A finished folder of keyframes."""

    def __init__(self, folder: Path, shards: int) -> None:
        self.folder = folder
        self.shards = shards
        # A few open files: readers that go by shard, or at random through a data set of any size, are served alike.
        self._open = lru_cache(maxsize=128)(self._opened)

    def clip_ids(self) -> Iterator[str]:
        """Yield the clips, shard by shard; in this order reading images is fastest."""
        for shard in range(self.shards):
            names = self._table(shard).file.read(columns=["clip_id"]).column("clip_id")
            yield from dict.fromkeys(names.to_pylist())

    def frames_of(self, clip_ids: Iterable[str]) -> Iterator[tuple[str, list[Keyframe]]]:
        """Yield each clip with its keyframes in time order, as asked for, one clip in memory at a time.

        Raises:
            InputError: a clip has no keyframes here, or a shard is missing or damaged.
        """
        for clip_id in clip_ids:
            rows = [row for row in self._rows(clip_id) if row["clip_id"] == clip_id]
            if not rows:
                raise InputError("the clip has no keyframes", file=self.folder, row=clip_id, do="run `dvc repro`")
            yield clip_id, [_keyframe(row) for row in rows]

    def _rows(self, clip_id: str) -> list[dict[str, Any]]:
        shard = self._table(shard_of(clip_id, self.shards))
        rows: list[dict[str, Any]] = []
        for group, (first, last) in enumerate(shard.ranges):
            if first <= clip_id <= last:
                try:
                    rows += shard.file.read_row_group(group).to_pylist()
                except OSError as error:  # a page's checksum
                    raise _damaged(self.folder / shard_name(shard_of(clip_id, self.shards)), error) from None
        return rows

    def _table(self, shard: int) -> _Shard:
        return self._open(shard)

    def _opened(self, shard: int) -> _Shard:
        path = self.folder / shard_name(shard)
        try:
            file = pq.ParquetFile(path, page_checksum_verification=True)
        except FileNotFoundError:
            raise InputError(
                "the shard is missing", file=path, do="`dvc checkout` or `dvc repro` restores it"
            ) from None
        except pa.ArrowInvalid as error:
            raise _damaged(path, error) from None
        if file.schema_arrow.names != KEYFRAMES.names:
            raise InputError(f"columns are {file.schema_arrow.names}", file=path, do="it is old: run `dvc repro`")
        groups = [file.metadata.row_group(group).column(0).statistics for group in range(file.num_row_groups)]
        return _Shard(file, [(group.min, group.max) for group in groups])


def _damaged(path: Path, error: Exception) -> InputError:
    do = "`python -m stages.cache.verify` removes what is damaged, here and in DVC's cache; then `dvc repro`"
    return InputError(f"damaged: {error}", file=path, do=do)


class _Shard(NamedTuple):
    file: Any
    ranges: list[tuple[str, str]]


def read_shards(folder: Path) -> Shards:
    """Return the reader of a finished folder of keyframes.

    Raises:
        InputError: the folder is missing or unfinished.
    """
    index = read_json(folder / INDEX)
    return Shards(folder, len(index["shards"]))


def _keyframe(row: dict[str, Any]) -> Keyframe:
    return Keyframe(row["rank"], row["frame"], row["time"], row["image"]["bytes"], row["fallback"])
