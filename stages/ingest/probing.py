"""What a clip's file holds: its size and hash, and what decoding it from end to end shows. Journalled by content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import av

from stages.core.journal import Journal, compute_missing, journal_key
from stages.core.pool import Crashed, spread
from stages.core.progress import Progress
from stages.ingest.rows import Row
from stages.video.decode import Probe, probe

#: Raise it when the same file gives another row; a golden test fails when that is forgotten.
VERSION = 1


class Probed(NamedTuple):
    """Rows with their files' facts, in the order given; how many files the journal knew."""

    rows: list[Row]
    known: int


class _File(NamedTuple):
    path: str
    bytes: int | None
    md5: str | None
    error: str | None


def probe_rows(rows: Sequence[Row], processes: int, look: Callable[[Path], Probe] = probe) -> Probed:
    """Return the rows with bytes, hash and what decoding shows; rows without a file as they are.

    A file that cannot be read or decoded gives its row an error, beside what is known of it. An error that the row
    has from its name stands.
    """
    with ThreadPoolExecutor(processes) as threads:
        files = dict(zip((row.path for row in rows), threads.map(_hashed, (row.path for row in rows)), strict=True))
    readable = [file for file in files.values() if file is not None and file.md5 is not None]
    with Journal("probe") as journal:
        known = sum(_key(file) in journal for file in readable)
        with Progress("probe", len(readable), known) as progress:
            compute_missing(journal, readable, _key, partial(_decoded, processes, look), progress.advance)
        return Probed([_filled(row, files[row.path], journal) for row in rows], known)


def _hashed(path: str | None) -> _File | None:
    if path is None:
        return None
    try:
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, partial(hashlib.md5, usedforsecurity=False)).hexdigest()
            return _File(path, stream.tell(), digest, None)
    except OSError as error:
        return _File(path, None, None, f"the file cannot be read: {error.strerror}")


def _key(file: _File) -> str:
    return journal_key(md5=file.md5, version=VERSION, av=av.__version__)


def _decoded(
    processes: int, look: Callable[[Path], Probe], files: list[_File]
) -> Iterator[tuple[_File, dict[str, Any]]]:
    by_path = {Path(file.path): file for file in files}
    for path, seen in spread(look, by_path, min(processes, len(files))):
        if isinstance(seen, Crashed):
            seen = Probe(frames=None, fps=None, duration=None, width=None, height=None, error=f"decoder: {seen}")
        yield by_path[path], seen._asdict()


def _filled(row: Row, file: _File | None, journal: Journal) -> Row:
    if file is None:
        return row
    row = row._replace(bytes=file.bytes, md5=file.md5)
    seen = {"error": file.error} if file.md5 is None else journal.get(_key(file))
    return row._replace(**{**seen, "error": row.error or seen["error"]})
