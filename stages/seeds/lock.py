"""What a `dvc.lock` says: which cell made an output, and what it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from stages.base.errors import InputError
from stages.base.params import lookup, place
from stages.base.paths import Run
from stages.methods.records import read_methods

#: Cell -> its entry: cmd, deps, params, outs.
Entries = Mapping[str, Mapping[str, Any]]


def read_lock(path: Path) -> dict[str, Any]:
    """Return the cells of a lock by name; none where there is no such file."""
    from dvc.utils.serialize import load_yaml  # another reader takes 1e-05 for a text

    return dict((load_yaml(str(path)) if path.exists() else {}).get("stages") or {})


def write_lock(path: Path, entries: Entries) -> None:
    """Write a lock as DVC does."""
    from dvc.utils.serialize import dump_yaml

    dump_yaml(str(path), {"schema": "2.0", "stages": dict(entries)})


def outs(entry: Mapping[str, Any]) -> list[str]:
    """Return the paths that a cell made."""
    return [out["path"] for out in entry.get("outs", [])]


def maker(entries: Entries, path: str) -> str:
    """Return the cell that made `path`.

    Raises:
        InputError: no cell did: the shipped run is not there.
    """
    found = next((name for name, entry in entries.items() if any(_touch(out, path) for out in outs(entry))), None)
    if found is None:
        do = "other seeds are compared with the shipped run: run `dvc repro` first"
        raise InputError(f"no cell made {path}", file="dvc.lock", do=do)
    return found


def check_current(entries: Entries, name: str) -> None:
    """Check that a cell was made by the params that are here, so that another seed differs from it in the seed only.

    Raises:
        InputError: it was made by others.
    """
    from dvc.utils.serialize import load_yaml

    for file, keys in entries[name].get("params", {}).items():
        params = load_yaml(file)
        # Of a file that is one block a key that was added since counts too: the lock has all keys that there were.
        for key in [*keys, *(set(params) - set(keys) if place(file, None) else ())]:
            if key not in keys or lookup(params, key, file) != keys[key]:
                do = "run `dvc repro` first, so that seed and shipped run differ in the seed only"
                raise InputError(f"the shipped {name} was made by another value", file=file, key=key, do=do)


def upstream(entries: Entries, name: str) -> set[str]:
    """Return the paths that a cell's outputs were made from, its own deps and those of the cells before it."""
    made = {path: cell for cell, entry in entries.items() for path in outs(entry)}
    paths: set[str] = set()
    waiting = [name]
    while waiting:
        for dep in entries[waiting.pop()].get("deps", []):
            if dep["path"] in paths:
                continue
            paths.add(dep["path"])
            waiting += {made[path] for path in made if _touch(path, dep["path"])}
    return paths


def _touch(one: str, other: str) -> bool:
    """Tell whether two paths are the same, or one is a folder that holds the other."""
    a, b = PurePosixPath(one), PurePosixPath(other)
    return a == b or a in b.parents or b in a.parents


def not_learnt(entries: Entries, dataset: str, model: str) -> list[str]:
    """Return the methods that follow from the base model `model` and did not learn on the data set.

    They are its zero-shot methods, and null models where it wrote the captions that they are compared with. A method
    that learnt has a model of its own, and cells of its own here.
    """
    run, base = Run(dataset), f"data/models/{model}"
    found = [one.name for one in read_methods(run) if one.kind != "learnt"]
    return sorted(
        method for method in found if base in upstream(entries, maker(entries, run.predictions(method).as_posix()))
    )
