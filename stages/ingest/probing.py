"""What a clip's file holds: its size and hash, and what decoding it from end to end shows. Journalled by content.

Of a recording that is cut into windows that includes how many frames each window has. A manifest of windows does not
tell what its recordings hold: who has lost the journal decodes them again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import av

from stages.base.journal import previous
from stages.base.journal.store import Journal, compute_missing, journal_key
from stages.base.parallel.crashed import Crashed
from stages.base.parallel.pool import parallel_map
from stages.base.params import compute
from stages.base.progress import Progress
from stages.base.schema import MANIFEST
from stages.base.video.decode import TOO_LARGE, Probe, timed_probe, too_large
from stages.base.video.spans import Span
from stages.ingest.manifest_rows import LABELS_BREAK_RULES, NAME_ERRORS, NO_ANNOTATIONS, Row
from stages.ingest.params import Windows
from stages.ingest.windows import frames_of, spans

#: Raise it when the same file gives another row; a golden test fails when that is forgotten.
VERSION = 1


#: Files that wait to be hashed; each that does takes 2 kB.
_AT_ONCE = 4096

#: How a row's error begins that tells nothing of its file.
_UNTOLD = (*NAME_ERRORS, NO_ANNOTATIONS, LABELS_BREAK_RULES)


class Probed(NamedTuple):
    """Rows with their files' facts, in the order given; how many files the journal knew."""

    rows: list[Row]
    known: int
    counts: dict[str, list[int]]
    """Path of each file that decodes -> frames of each of its windows; empty where nothing is cut."""


class Cuts(NamedTuple):
    """Segments of recordings, where lists say them: path -> spans."""

    spans: dict[str, list[Span]]


class _File(NamedTuple):
    path: str
    bytes: int
    key: str
    """Of the journal: shaped by the content, which `md5` names."""
    md5: str


def look_at(windows: Windows | Cuts | None, most: int | None, path: Path) -> dict[str, Any]:
    """Return what decoding a file shows, as the journal keeps it: a Probe, and the frames of each window if any.

    A video of frames of more than `most` pixels is not decoded.
    """
    seen, times = timed_probe(path, most)
    if windows is None:
        return seen._asdict()
    if isinstance(windows, Cuts):
        counts = frames_of(times, windows.spans[str(path)]) if seen.error is None else []
        return {**seen._asdict(), "windows": counts}
    if windows.unit == "frames" and seen.error is None and not _steady(times, seen.fps):
        seen = seen._replace(error="its frame rate varies, so a frame's number is no time: annotate it in seconds")
    counts = frames_of(times, spans(seen.duration or 0.0, windows)) if seen.error is None else []
    return {**seen._asdict(), "windows": counts}


def _steady(times: Sequence[float], fps: float | None) -> bool:
    """Tell whether frame n is at n / fps, to half a frame."""
    return fps is not None and all(abs(time * fps - place) < 0.5 for place, time in enumerate(times))


def probe_rows(
    rows: Sequence[Row],
    processes: int,
    manifest: Path,
    windows: Windows | Cuts | None = None,
    look: Callable[[Any, int | None, Path], dict[str, Any]] = look_at,
    most: int | None = None,
) -> Probed:
    """Return the rows with bytes, hash and what decoding shows; rows without a file as they are.

    A file that cannot be read or decoded gives its row an error, beside what is known of it. An error that the row
    has from its name stands. `manifest` is where the rows will go: what its last version tells is not decoded again.
    A video whose frames have more than `most` pixels is not decoded.
    """
    paths = [row.path for row in rows]
    files: dict[str | None, _File | str | None] = {}
    with ThreadPoolExecutor(processes) as threads:
        for start in range(0, len(paths), _AT_ONCE):
            some = paths[start : start + _AT_ONCE]
            files.update(zip(some, threads.map(partial(_hashed, windows), some), strict=True))
    readable = [file for file in files.values() if isinstance(file, _File)]
    with Journal("probe", Probe._fields) as journal:
        if any(file.key not in journal for file in readable):
            _refill(journal, manifest)
        known = sum(file.key in journal for file in readable)
        crashed: dict[str, str] = {}
        with Progress("probe", len(readable), known) as progress:
            decode = partial(_decoded, processes, partial(look, windows, most), crashed)
            compute_missing(journal, readable, lambda file: file.key, decode, progress.advance)
        counts = {
            file.path: journal.get(file.key).get("windows", []) for file in readable if windows and file.key in journal
        }
        return Probed([_filled(row, files[row.path], journal, crashed, most) for row in rows], known, counts)


def _hashed(windows: Windows | Cuts | None, path: str | None) -> _File | str | None:
    """Return a file's facts, or why it cannot be read."""
    if path is None:
        return None
    try:
        with open(path, "rb") as stream:
            md5 = hashlib.file_digest(stream, partial(hashlib.md5, usedforsecurity=False)).hexdigest()
            cut: dict[str, Any] = {}
            if isinstance(windows, Cuts):
                cut["spans"] = [list(span) for span in windows.spans[path]]
            elif windows is not None:
                cut["windows"] = [windows.length, windows.overlap]
            if isinstance(windows, Windows) and windows.unit == "frames":
                cut["unit"] = windows.unit  # a rate that varies is then an error
            return _File(path, stream.tell(), journal_key(md5=md5, version=VERSION, av=av.__version__, **cut), md5)
    except OSError as error:
        return f"the file cannot be read: {error.strerror}"


def _refill(journal: Journal, manifest: Path) -> None:
    """Put what the manifest's last version tells into the journal, for whoever pulled the one without the other."""

    def kept(row: previous.Row) -> dict[str, Any] | None:
        # A row whose error comes from its name or labels does not tell whether its file decodes, a window's not how.
        told = not (row["error"] or "").startswith(_UNTOLD) and row["start"] is None
        return {field: row[field] for field in Probe._fields} if told else None

    previous.refill(journal, manifest, MANIFEST, kept)


def _decoded(
    processes: int, look: Callable[[Path], dict[str, Any]], crashed: dict[str, str], files: list[_File]
) -> Iterator[tuple[_File, dict[str, Any]]]:
    """Yield what decoding shows; a crash, which may be the machine's fault, goes to `crashed` and to no journal.

    So does what is beyond a limit.
    """
    by_path = {Path(file.path): file for file in files}
    for path, seen in parallel_map(look, by_path, min(processes, len(files)), compute().clip_seconds):
        if isinstance(seen, Crashed):
            crashed[by_path[path].key] = f"the decoder crashed: {seen}"
        elif (seen["error"] or "").startswith(TOO_LARGE):
            crashed[by_path[path].key] = seen["error"]  # another limit would let it pass
        else:
            yield by_path[path], seen


def _filled(row: Row, file: _File | str | None, journal: Journal, crashed: dict[str, str], most: int | None) -> Row:
    if file is None:
        return row
    if isinstance(file, str):
        return row._replace(error=row.error or file)
    row = row._replace(bytes=file.bytes, md5=file.md5, journal_key=file.key)
    if file.key in crashed:
        return row._replace(error=row.error or crashed[file.key], journal_key=None)
    seen = journal.get(file.key)
    if most is not None and (seen["width"] or 0) * (seen["height"] or 0) > most:
        return row._replace(error=row.error or too_large(seen["width"], seen["height"], most), journal_key=None)
    known = {field: seen[field] for field in Probe._fields}
    return row._replace(**{**known, "error": row.error or seen["error"]})
