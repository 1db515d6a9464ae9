"""Keyframes from the journal to shards, and back from pulled shards into a journal that lacks them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stages.base.errors import InputError
from stages.base.journal.previous import previous
from stages.base.journal.store import Journal
from stages.base.schema import KEYFRAMES
from stages.base.tables import read_json, write_json
from stages.base.video.keyframe_table import CLIPS_PER_GROUP, INDEX, shard_name, shard_of, shards_for


def write_shards(folder: Path, keys: Mapping[str, str], journal: Journal) -> int:
    """Write the keyframes of the clips `keys` (clip -> journal key) as shards, the index last; return their number.

    One row group is in memory at a time. A shard that cannot be written whole is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX).unlink(missing_ok=True)
    for old in folder.glob("*.parquet"):
        old.unlink()
    count = shards_for(len(keys))
    clips: list[list[str]] = [[] for _ in range(count)]
    for clip_id in sorted(keys):
        clips[shard_of(clip_id, count)].append(clip_id)
    rows = {
        shard_name(shard): _write(folder / shard_name(shard), clips[shard], keys, journal) for shard in range(count)
    }
    write_json(folder / INDEX, {"clips": len(keys), "keyframes": sum(rows.values()), "shards": rows})
    return sum(rows.values())


def _write(path: Path, clips: list[str], keys: Mapping[str, str], journal: Journal) -> int:
    written = 0
    # JPEG and PNG do not get smaller, and the images' own bytes are no help to who looks for a clip.
    images = ["image.bytes"]
    others = [name for name in KEYFRAMES.names if name != "image"]
    compression = {**dict.fromkeys(others, "zstd"), **dict.fromkeys(images, "none")}
    try:
        with pq.ParquetWriter(
            path,
            KEYFRAMES,
            compression=compression,
            use_dictionary=False,
            write_statistics=others,
            write_page_checksum=True,
        ) as out:
            for start in range(0, len(clips), CLIPS_PER_GROUP):
                rows = [row for clip in clips[start : start + CLIPS_PER_GROUP] for row in _rows(clip, keys, journal)]
                out.write_table(pa.Table.from_pylist(rows, schema=KEYFRAMES))
                written += len(rows)
    except OSError as error:
        path.unlink(missing_ok=True)
        error.filename = str(path)
        raise
    return written


def _rows(clip_id: str, keys: Mapping[str, str], journal: Journal) -> Iterator[dict[str, Any]]:
    for rank, frame in enumerate(journal.get(keys[clip_id])["frames"]):
        image = {"bytes": base64.b64decode(frame["image"]), "path": None}
        yield {"clip_id": clip_id, "rank": rank, **frame, "image": image, "journal_key": keys[clip_id]}


def refill(journal: Journal, folder: Path, needed: set[str]) -> None:
    """Put what the journal lacks of `needed`, and the last version of the shards in `folder` has, into the journal."""
    if needed <= journal.keys():
        return
    index = previous(folder / INDEX)
    for name in read_json(index)["shards"] if index else []:
        old = previous(folder / name)
        if old is None or not needed - journal.keys():
            return
        try:
            file = pq.ParquetFile(old, page_checksum_verification=True)
            for group in range(file.num_row_groups):
                _put(journal, file.read_row_group(group).to_pylist(), needed)
        except (pa.ArrowInvalid, OSError, KeyError, InputError):
            continue  # Written by another version, or damaged: these clips are computed again.


def _put(journal: Journal, rows: list[dict[str, Any]], needed: set[str]) -> None:
    """Put the clips of a row group, which are whole."""
    values: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in rows:
        frame = {name: row[name] for name in ("frame", "time", "fallback")}
        frame["image"] = base64.b64encode(row["image"]["bytes"]).decode()
        values.setdefault(row["journal_key"], {}).setdefault(row["clip_id"], []).append(frame)
    for key, clips in values.items():
        if key in needed and key not in journal:
            journal.put(key, {"frames": next(iter(clips.values()))})
