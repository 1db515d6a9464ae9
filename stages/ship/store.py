"""The objects of `shipped/`, as DVC lays them out, read without trusting them; and those of DVC's cache beside them.

DVC's own `fetch` takes a folder as whole when its list is in the cache, and removes a damaged object from a remote that
is a folder: from this repository's working tree. So objects are checked here, and copied one by one by DVC's classes.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

from stages.ship.cells import Cell

REMOTE = "shipped"


class Objects:
    """What `shipped/` and DVC's cache hold."""

    def __init__(self, repo: Any) -> None:
        self.cache = repo.cache.local
        self.store = repo.cloud.get_remote_odb(REMOTE)
        self._faults: dict[str, str] = {}

    def path(self, md5: str) -> Path:
        """Return where the store has an object, or would have it."""
        return Path(self.store.oid_to_path(md5))

    @cached_property
    def shipped(self) -> dict[str, Path]:
        """All files of the store, by the hash that their name says."""
        found = Path(self.store.path).glob("??/*")
        return {path.parent.name + path.name: path for path in sorted(found) if path.is_file()}

    def fault(self, md5: str) -> str:
        """Return what is wrong with an object of the store: empty where nothing is."""
        if md5 not in self._faults:
            self._faults[md5] = _fault(self.path(md5), md5)
        return self._faults[md5]

    def inside(self, md5: str) -> list[str] | None:
        """Return the objects of a folder, none for a file; None where the folder's list is nowhere to be read."""
        if not md5.endswith(".dir"):
            return []
        places = [Path(self.cache.oid_to_path(md5)), *([] if self.fault(md5) else [self.path(md5)])]
        for place in places:
            try:
                return [entry["md5"] for entry in json.loads(place.read_text())]
            except (OSError, ValueError, TypeError, KeyError):
                continue
        return None

    def of(self, cell: Cell) -> list[str]:
        """Return all objects that the lock names for a cell, as far as they are known; a folder's list comes last."""
        named = [md5 for md5 in cell.outs.values() if md5]
        return [one for md5 in named for one in (*(self.inside(md5) or []), md5)]

    def absent(self, cell: Cell) -> str:
        """Return why a cell's outputs cannot be had from here: empty where they can."""
        if None in cell.outs.values():
            return "dvc.lock does not have it"
        for md5 in reversed(self.of(cell)):
            if not self.cache.exists(md5) and self.fault(md5):
                return f"{self.name(md5)} {self.fault(md5)}"
        return ""

    def name(self, md5: str) -> str:
        """Return an object of the store as messages name it."""
        return f"{REMOTE}/files/md5/{md5[:2]}/{md5[2:]}"

    def fetch(self, cell: Cell) -> int:
        """Copy what the cache lacks of a cell from the store; return how many objects.

        Raises:
            OSError: the cache cannot be written.
        """
        lacking = [md5 for md5 in self.of(cell) if not self.cache.exists(md5)]
        for md5 in lacking:
            self.cache.add(str(self.path(md5)), self.store.fs, md5, verify=True)
        return len(lacking)

    def ship(self, md5: str) -> None:
        """Copy an object from the cache to the store.

        Raises:
            OSError: the store cannot be written.
        """
        self.path(md5).unlink(missing_ok=True)
        self.store.add(self.cache.oid_to_path(md5), self.cache.fs, md5, verify=False)
        self.path(md5).chmod(0o644)  # as git checks it out
        self._faults.pop(md5, None)


def _fault(path: Path, md5: str) -> str:
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if found == md5.partition(".")[0] else "is damaged"
