"""An output as the last finished run left it, so that a journal fills itself again from pulled outputs.

DVC deletes a stage's outputs before it runs the stage; what they were stays in DVC's cache, under the hash that
`dvc.lock` records. A collaborator who pulled the outputs and has no journal so computes only what is new.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from stages.base.errors import InputError
from stages.base.journal.store import Journal
from stages.base.params import running_stage
from stages.base.tables import read_table

Row = Mapping[str, Any]


def previous(path: Path) -> Path | None:
    """Return a file to read instead of the output `path` of the running stage; None where there is none.

    It is `path` itself where that is still there (a stage run by hand), else its copy in DVC's cache. The remote is not
    asked: `dvc pull` is the user's decision. Read it only; it is the cache's own file.
    """
    if path.exists():
        return path
    stage = running_stage()
    if stage is None:
        return None
    pipeline, name = stage
    lock = pipeline.with_suffix(".lock")
    # PyYAML's loader in C: the other one takes as long as a small stage.
    recorded = (yaml.load(lock.read_text(), yaml.CSafeLoader) or {}) if lock.exists() else {}
    for out in recorded.get("stages", {}).get(name, {}).get("outs", []):
        if Path(out["path"]) == path or Path(out["path"]) in path.parents:
            return _cached(out, path)
    return None


def refill(journal: Journal, path: Path, schema: pa.Schema, kept: Callable[[Row], dict[str, Any] | None]) -> int:
    """Put what the last run's output tells into the journal that lacks it; return how many values.

    A collaborator who pulled the output and has no journal so asks only about new clips.

    Args:
        journal: where values are looked up by the rows' `journal_key`.
        path: the output, a table.
        schema: the table's; one of another schema was written by another version of this stage and tells nothing.
        kept: returns what the journal keeps of a row, None of one that tells nothing.
    """
    old = previous(path)
    try:
        rows = read_table(old, schema) if old else None
    except InputError:
        return 0
    count = 0
    for row in rows.iter_rows(named=True) if rows is not None else ():
        key = row["journal_key"]
        value = kept(row) if key is not None and key not in journal else None
        if value is not None:
            journal.put(key, value)
            count += 1
    return count


def _cached(out: dict[str, Any], path: Path) -> Path | None:
    """Return the cache's copy of `path`, which is an output or lies in one."""
    from dvc.repo import Repo  # takes half a second, which only stages should pay

    with Repo() as repo:
        cache = Path(repo.cache.local.path)
    found = _object(cache, out["md5"])
    if out["md5"].endswith(".dir") and found.exists():
        relative = path.relative_to(out["path"]).as_posix()
        hashes = {entry["relpath"]: entry["md5"] for entry in json.loads(found.read_text())}
        found = _object(cache, hashes[relative]) if relative in hashes else cache / "none"
    return found if found.is_file() else None


def _object(cache: Path, md5: str) -> Path:
    return cache / md5[:2] / md5[2:]
