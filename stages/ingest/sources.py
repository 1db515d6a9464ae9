"""Where clips are named: a folder of videos, or a file of names (a replay needs no videos)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from stages.base.errors import InputError
from stages.base.paths import fetch
from stages.base.tables import read_json
from stages.base.waits import kind_of
from stages.ingest.manifest_rows import BAD_NAME, NO_FILE, Entry

SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".mts", ".3gp", ".ogv"}
)

#: An entry without separator is shown, and named, by its first characters.
_LONGEST = 100

#: `{clip}_0.jpeg--{text}`, `{clip}.mp4#{text}` or a clip's bare name, with or without a video's suffix.
_ENTRY = re.compile(r"(?P<clip>.+?)(?:_\d+\.jpe?g--.*|\.mp4#.*)?", re.DOTALL)


class Source(NamedTuple):
    """What a source names, and the files in it that are no videos."""

    entries: list[Entry]
    others: list[str]


def read_source(source: Path) -> Source:
    """Return the clips of a folder, or of a file of names.

    Raises:
        InputError: there is no such source, or it names no clip.
    """
    if source.is_dir():
        found = _in_folder(source)
    elif source.is_file():
        found = Source([Entry(bare(name), name[:_LONGEST]) for name in read_names(source)], [])
    else:
        raise InputError("no such folder or file", file=source, do=fetch(source))
    if not found.entries:
        raise InputError(
            f"no clips here, only {len(found.others)} other files" if found.others else "no clips here",
            file=source,
            do=f"put videos there ({' '.join(sorted(SUFFIXES))}) or correct `clips` in its record; {fetch(source)}",
        )
    return found


def read_names(path: Path) -> list[str]:
    """Return the clip names of a file in their order: JSON (list or object by clip) or text, a line each.

    An entry of published texts (`{clip}_0.jpeg--{text}`, `{clip}.mp4#{text}`) gives its clip.

    Raises:
        InputError: no such file, JSON that is cut short, or an entry that is no text.
    """
    if not path.exists():
        raise InputError("no such file", file=path, do=fetch(path))
    if path.suffix != ".json":
        try:
            return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        except UnicodeDecodeError as error:
            raise InputError(f"not text: {error}", file=path, do="expected a clip's name on each line") from None
    content = read_json(path)
    if not isinstance(content, list | dict):
        raise InputError("expected a JSON list or object", file=path, do=f"correct it; {fetch(path)}")
    names = []
    for row, entry in enumerate(content):
        match = _ENTRY.fullmatch(entry) if isinstance(entry, str) else None
        if match is None:
            raise InputError(f"no clip name: {entry!r:.80}", file=path, row=row, do="expected a text")
        names.append(match["clip"])
    return names


def bare(name: str) -> str:
    """Return a name without a video's suffix; other dots belong to the name, as in `Cook.Cut_p02_r00_v01_c03`."""
    stem, dot, suffix = name.rpartition(".")
    return stem if stem and f"{dot}{suffix}".lower() in SUFFIXES else name


def _in_folder(folder: Path) -> Source:
    entries, others = [], []
    for path in sorted(folder.rglob("*")):
        shown = path.relative_to(folder).as_posix()
        if path.is_dir():
            continue
        written, why = _written(shown), _unusable(path, shown)
        if path.suffix.lower() not in SUFFIXES:
            others.append(written)
        elif why is not None:
            entries.append(Entry(bare(written), written, error=why))
        else:
            entries.append(Entry(bare(shown), shown, path.as_posix()))
    return Source(entries, others)


def _written(shown: str) -> str:
    """Return a name that can be written: each byte that is no UTF-8 as its number."""
    return os.fsencode(shown).decode(errors="backslashreplace")


def _unusable(path: Path, shown: str) -> str | None:
    """Say why a file with a video's name is not even opened: a pipe would be waited for, for ever."""
    if shown != _written(shown):
        return f"{BAD_NAME}: rename it"
    kind = kind_of(path)
    return f"{NO_FILE}: it is {kind}" if kind else None
