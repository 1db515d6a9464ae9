"""Keyframes for the page: thumbnails of the gallery, and what the classes look like."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from PIL import Image

from stages.base.errors import InputError


def thumbnails(folder: Path, clips: Sequence[str], width: int) -> dict[str, list[str]]:
    """Return clip -> its keyframes in time order as data URIs (WebP, `width` pixels wide); clips without one lack.

    Raises:
        InputError: there is no such folder.
    """
    found = encoded_keyframes(folder, clips)
    return {clip: [data_uri(image, width) for image in images] for clip, images in found.items()}


def encoded_keyframes(folder: Path, clips: Sequence[str]) -> dict[str, list[bytes]]:
    """Return clip -> its keyframes in time order as they are stored, encoded; clips without one lack.

    Only the asked clips' images are read, whatever the number of keyframes in the folder.

    Raises:
        InputError: there is no such folder.
    """
    if not clips:
        return {}
    if not folder.is_dir():
        raise InputError("no such folder", file=folder, do="run `dvc repro`, or set the report's `images` to never")
    files = sorted(folder.glob("*.parquet"))
    wanted = pl.scan_parquet(files).filter(pl.col("clip_id").is_in(list(clips)))
    rows = wanted.select("clip_id", "rank", "image").sort("clip_id", "rank").collect().iter_rows(named=True)
    found: dict[str, list[bytes]] = {}
    for row in rows:
        if row["image"] and row["image"]["bytes"]:
            found.setdefault(row["clip_id"], []).append(row["image"]["bytes"])
    return found


def data_uri(image: bytes, width: int) -> str:
    """Return an encoded image as the data URI of a WebP that is at most `width` pixels wide."""
    with Image.open(io.BytesIO(image)) as opened:
        small = opened.convert("RGB")
        small.thumbnail((width, 4 * width), Image.Resampling.LANCZOS)
        stream = io.BytesIO()
        small.save(stream, "WEBP", quality=70, method=4)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()
