"""One revision of the repository: what `dvc.lock` records there, and its files from wherever they are."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from stages.base.errors import InputError
from stages.report.provenance import recorded

WORKSPACE = "workspace"


@dataclass(frozen=True)
class Revision:
    """A commit, or the working tree."""

    name: str
    """As the user gave it."""
    commit: str
    """The commit's hash, or `workspace`."""
    repo: Any
    stages: dict[str, dict[str, Any]]
    """Name -> what `dvc.lock` records, as `stages.report.provenance.recorded` returns it."""
    _tables: dict[str, pl.DataFrame | None] = field(default_factory=dict)

    def hash(self, path: Path) -> str | None:
        """Return the hash of an output, or of a file in one; of the folder where its listing is not here; else None."""
        for folder in (path, *path.parents):
            for stage in self.stages.values():
                for out in stage["outs"]:
                    if out["path"] == folder.as_posix() and out["hash"]:
                        return self._inside(str(out["hash"]), path.relative_to(folder).as_posix())
        return None

    def _inside(self, known: str, name: str) -> str | None:
        listing = Path(self.repo.cache.local.oid_to_path(known))
        if not known.endswith(".dir") or name == "." or not listing.is_file():
            return known
        return next((one["md5"] for one in json.loads(listing.read_text()) if one["relpath"] == name), None)

    def files(self, folder: Path) -> list[str]:
        """Return the names of the files in a folder, sorted; none where there is no such folder."""
        from dvc_data.index import DataIndexDirError

        if self.commit == WORKSPACE:
            return sorted(path.name for path in folder.glob("*"))
        with self.repo.switch(self.commit):
            try:
                return sorted(Path(found).name for found in self.repo.dvcfs.find(f"/{folder.as_posix()}"))
            except (FileNotFoundError, DataIndexDirError):
                return []

    def outs(self) -> list[str]:
        """Return the paths of all outputs."""
        return sorted({out["path"] for stage in self.stages.values() for out in stage["outs"]})

    def read(self, path: Path) -> bytes | None:
        """Return a file's bytes from the working tree, git, DVC's cache or the remote; None where it is nowhere."""
        from dvc_data.index import DataIndexDirError

        if self.commit == WORKSPACE:
            return path.read_bytes() if path.is_file() else None
        known = self.hash(path)
        cached = Path(self.repo.cache.local.oid_to_path(known)) if known else None
        if cached and cached.is_file() and not str(known).endswith(".dir"):
            return cached.read_bytes()
        with self.repo.switch(self.commit):
            try:
                with self.repo.dvcfs.open(f"/{path.as_posix()}", "rb") as stream:
                    data: bytes = stream.read()
                    return data
            except (FileNotFoundError, DataIndexDirError):  # the latter: of a folder whose listing is nowhere
                return None

    def table(self, path: Path, schema: pa.Schema) -> pl.DataFrame | None:
        """Return a table, None where it is nowhere or has other columns; those that it lacks are null.

        A table of an older commit may have fewer: a reviewer still sees what changed in the others.
        """
        key = path.as_posix()
        if key not in self._tables:
            data = self.read(path)
            table = pq.read_table(io.BytesIO(data)) if data is not None else None
            if table is not None and set(table.schema.names) <= set(schema.names):
                for lacking in (kind for kind in schema if kind.name not in table.schema.names):
                    table = table.append_column(lacking, pa.nulls(len(table), lacking.type))
                self._tables[key] = pl.DataFrame(pl.from_arrow(table.select(schema.names)))
            else:
                self._tables[key] = None
        return self._tables[key]


def open_revisions(*names: str) -> list[Revision]:
    """Return revisions.

    Raises:
        InputError: no DVC repository, or a name that git does not know.
    """
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo
    from dvc.scm import RevError

    try:
        repo = Repo()
    except NotDvcRepoError:
        raise InputError("not a DVC repository", file=Path.cwd(), do="run it from the repository's root") from None
    found = []
    for name in names:
        if name == WORKSPACE:
            found.append(Revision(name, WORKSPACE, repo, recorded(repo)))
            continue
        try:
            with repo.switch(name) as commit:
                found.append(Revision(name, commit, repo, recorded(repo)))
        except RevError:
            raise InputError(f"git knows no revision {name!r}", do="name a commit, branch or tag") from None
    return found
