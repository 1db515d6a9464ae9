"""Find what was damaged in DVC's cache, remove it, and have it made again: `python -m stages.cache.verify`.

DVC trusts a file of its cache that is read-only and never hashes it again: a bit that flipped on the disk is checked
out without a word. This reads every file of the cache, so it takes as long as reading them; it removes those whose
content is not what their name says, and those outputs that are the same damaged bytes. No other file is touched.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from stages.base.errors import GateError, guard
from stages.base.params import compute
from stages.base.progress import Progress, closing


class Damaged(NamedTuple):
    """A file of the cache whose content is not what its name says."""

    path: Path
    md5: str
    """Of the content that it has now."""


def damaged(cache: Path, threads: int = 1) -> Iterator[Damaged]:
    """Yield the damaged files below `cache`, DVC's folder `files/md5`."""
    objects = sorted(path for path in cache.glob("??/*") if path.is_file() and len(path.name.partition(".")[0]) == 30)
    with Progress("verify", len(objects)) as progress, ThreadPoolExecutor(threads) as pool:
        for path, md5 in zip(objects, pool.map(_md5, objects), strict=True):
            progress.advance()
            if md5 != path.parent.name + path.name.partition(".")[0]:
                yield Damaged(path, md5)


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _files(path: Path) -> Iterator[Path]:
    """Yield the files of an output, which is a file or a folder, where it is there."""
    yield from (found for found in ([path] if path.is_file() else sorted(path.rglob("*"))) if found.is_file())


def main() -> None:
    """Verify the cache of the repository around the working directory."""
    from dvc.repo import Repo  # takes half a second, which only stages should pay

    with Repo() as repo:
        cache = Path(repo.cache.local.path)
        outputs = sorted({Path(out.fs_path) for out in repo.index.outs if out.use_cache and out.protocol == "local"})
    bad = list(damaged(cache, compute().processes))
    contents = {one.md5 for one in bad}
    copies = [file for path in outputs for file in _files(path) if contents and _md5(file) in contents]
    for path in (*(one.path for one in bad), *copies):
        path.unlink()
    names = [os.path.relpath(path) for path in (*copies, *(one.path for one in bad))]
    if names:
        listed = "\n".join(f"  {name}" for name in names)
        raise GateError(
            f"{len(bad)} files of DVC's cache were damaged; removed with the outputs that were checked out from them:\n"
            f"{listed}\n  what to do: `dvc pull` where a remote has them, then `dvc repro`, which makes the rest again"
        )
    closing("verify", f"all files of {os.path.relpath(cache)} are what their names say")


if __name__ == "__main__":
    guard(main)
