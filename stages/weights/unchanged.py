"""Weights are what was recorded of them: a flipped byte is found before it is another number.

A folder that the graph made, or that DVC tracks, has its hash in a `.lock` or `.dvc` file; a file in the hub's cache
is named by its own hash (the commit of a hub model names those). What nobody recorded cannot be checked: of a folder of
your own the hash stands in every row and in the journal's keys (`vlm/checkpoint.py`), so other bytes are another model.
A model of the hub is named by its commit (`pinned`): a branch moves, and what it was yesterday nobody could say.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from stages.base.errors import InputError

#: What stands for a commit that whoever wrote a file of params could not look up.
FILL_IN = "fill-in-the-commit"


def pinned(name: str, revision: str | None, key: str = "revision") -> str:
    """Return the commit of a hub model, before anything of it is asked for.

    Args:
        name: the hub's, owner/model.
        revision: what the params name: 40 hex digits, or it is refused.
        key: of the params that have it.

    Raises:
        InputError: no commit is named, or a branch or tag.
    """
    if re.fullmatch(r"[0-9a-f]{40}", revision or ""):
        return str(revision)
    if revision is None:
        why = "not a folder, and a hub name needs a revision"
    elif revision == FILL_IN:
        why = "its params do not say which commit"
    else:
        why = f"{revision!r} is no commit: a branch or tag may be another model tomorrow"
    do = f"look it up at https://huggingface.co/{name}/commits and write all 40 digits; a folder needs the right path"
    raise InputError(why, file=name, key=key, do=do)


def check_folder(folder: Path) -> bool:
    """Check a folder below the working directory against what DVC recorded of it; return whether there is a record.

    Raises:
        InputError: its files differ from the record.
    """
    known = recorded(folder)
    if known is None:
        return False
    found = dvc_hash(folder)
    if found != known[1]:
        raise InputError(
            f"its files are not those that {known[0]} recorded ({found}, expected {known[1]})",
            file=folder,
            do=f"`python -m stages.cache.verify` removes what is damaged, then `dvc checkout {folder}` or `dvc pull`;"
            " if you made these files by hand, `dvc commit` records them",
        )
    return True


def recorded(folder: Path) -> tuple[str, str] | None:
    """Return the file that has the hash of an output of any pipeline of the repository, and the hash; null for none."""
    pointer = folder.with_name(f"{folder.name}.dvc")
    for file in (pointer, Path("dvc.lock"), *sorted(Path("papers").glob("*/dvc.lock"))):
        for out in _outs(file) if file.is_file() else ():
            place = folder.parent / out["path"] if file == pointer else Path(out["path"])
            if place == folder and "md5" in out:
                return str(file), str(out["md5"])
    return None


def _outs(file: Path) -> Iterator[dict[str, Any]]:
    # PyYAML's loader in C: the other one takes as long as a small stage.
    values = yaml.load(file.read_text(), yaml.CSafeLoader) or {}
    yield from values.get("outs", [])
    for stage in (values.get("stages") or {}).values():
        yield from stage.get("outs", [])


def dvc_hash(folder: Path) -> str:
    """Return a folder's hash as DVC has it: MD5 of the list of its files with theirs."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listed = [{"md5": _hash(path, "md5"), "relpath": path.relative_to(folder).as_posix()} for path in files]
    listed.sort(key=lambda entry: entry["relpath"])
    return f"{hashlib.md5(json.dumps(listed, sort_keys=True).encode(), usedforsecurity=False).hexdigest()}.dir"


def check_hub(name: str, commit: str) -> int:
    """Check the files of a hub model in the cache against their names there; return how many there are.

    Weights are named by SHA-256, small files by git's hash.

    Raises:
        InputError: a file's bytes are not those that its name says.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        snapshot = Path(snapshot_download(name, revision=commit, local_files_only=True))
    except LocalEntryNotFoundError:
        return 0  # a cache without names, such as one on a disk without links
    links = [path for path in sorted(snapshot.rglob("*")) if path.is_file()]
    for link in links:
        _check_blob(name, link)
    return len(links)


def _check_blob(name: str, link: Path) -> None:
    blob = link.resolve()
    if re.fullmatch(r"[0-9a-f]{64}", blob.name):
        found = _hash(blob, "sha256")
    elif re.fullmatch(r"[0-9a-f]{40}", blob.name):
        content = blob.read_bytes()
        found = hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()
    else:
        return
    if found != blob.name:
        raise InputError(
            f"{link.name} of {name} is damaged: its bytes hash to {found}",
            file=blob,
            do="remove this file and the link to it, then download the model again (`hf download`)",
        )


@cache
def _hash(path: Path, kind: str) -> str:
    """Return a file's hash, once in a process."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, kind).hexdigest()
