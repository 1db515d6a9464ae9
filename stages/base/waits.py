"""What DVC would wait for without an end, below data/ and where records have clips: `python -m stages.base.waits`.

`make` runs it before DVC, which hashes all that is in a folder, and whoever opens a named pipe waits until somebody
writes into it. `ingest` makes an error row of such a file, but DVC hashes the clips before it runs `ingest`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import yaml

from stages.base.errors import InputError, guard, some

_KINDS = {"a pipe": stat.S_ISFIFO, "a socket": stat.S_ISSOCK, "a device": stat.S_ISCHR, "a disk": stat.S_ISBLK}


def kind_of(path: Path) -> str | None:
    """Return what a path is where it is no file and no folder; None where it is, or where nothing is there."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return None  # reading it says why
    return next((name for name, test in _KINDS.items() if test(mode)), None)


def check(folder: Path) -> int:
    """Check all below a folder; return how many files there are.

    Raises:
        InputError: some are no files; it names them.
    """
    found = list(_files(folder))
    strange = [f"{path}: it is {kind}" for path in found if (kind := kind_of(path))]
    if strange:
        raise InputError(
            f"{len(strange)} of its files are none, and DVC would wait for them without an end:\n{some(strange)}",
            file=folder,
            do="remove them, or move them elsewhere",
        )
    return len(found)


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder, followlinks=True):
        yield from (Path(place, name) for name in sorted(names))


def places() -> list[Path]:
    """Return `data`, and the folders of clips elsewhere that the root's params name."""
    file = Path("params.yaml")
    params = (yaml.safe_load(file.read_text()) if file.exists() else None) or {}
    named = [record.get("clips") for kind in ("pushed", "kept") for record in (params.get(kind) or {}).values()]
    return [Path("data"), *(Path(clips) for clips in named if clips and not Path(clips).is_relative_to("data"))]


if __name__ == "__main__":
    guard(lambda: print(f"waits: {sum(map(check, places()))} files, DVC can read each"))
