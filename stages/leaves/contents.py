"""The contents that may not leave, whatever they are called: by hash as DVC knows them, and by the files here."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stages.cache.licensed import SHORTEST, Material, known


class Contents:
    """Contents that are licensed. A file is hashed only once something of its size is asked about."""

    def __init__(self, repo: Any, found: Material, *, made: bool) -> None:
        """Collect them: clips, and pointers that are `push: false`; with `made` what stages made of a licensed set too.

        What stages made is no copy where a stage made the same of other data: an empty table, keywords of one list.
        """
        root = Path(repo.root_dir)
        given = {path: out for path, out in found.others.items() if not out.can_push and not out.stage.cmd}
        cached = {path: out for path, out in found.outs.items() if out.use_cache}  # what git tracks are numbers
        sources = {path for one in found.licences.values() if one.licensed for path in one.sources}
        outs = given | {path: out for path, out in cached.items() if made or not out.stage.cmd or path in sources}
        clips = known(out for path, out in outs.items() if not out.stage.cmd or path in sources)
        self._free = (known(out for out in found.others.values() if out.stage.cmd) - clips) if made else set()
        self._names = {value: str(path) for path, out in outs.items() for value in known([out])}
        self._sized: dict[int, list[Path]] = defaultdict(list)
        for path in {root / path for path in (*outs, *sources)}:
            for file in _files(path):
                self._sized[file.stat().st_size].append(file)
        self._root = root
        self._hashed: dict[Path, str] = {}

    def sizes(self, size: int) -> bool:
        """Tell whether a content of so many bytes can be any of these; a hash is of an unknown size."""
        return size >= SHORTEST and (bool(self._names) or size in self._sized)

    def name(self, md5: str, size: int | None = None) -> str:
        """Return a file that has this content; an empty text where none is known."""
        if md5 in self._free or md5 in self._names:
            return "" if md5 in self._free else self._names[md5]
        for file in self._sized.get(size, []) if size is not None and size >= SHORTEST else []:
            if file not in self._hashed:
                with file.open("rb") as stream:
                    self._hashed[file] = hashlib.file_digest(stream, _md5).hexdigest()
            if self._hashed[file] == md5:
                return str(file.relative_to(self._root))
        return ""


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from (file for file in sorted(path.rglob("*")) if file.is_file())
