"""What keeps a licensed data set's clips on this machine: they are in no commit, and `dvc push` passes over them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

import yaml

from stages.base.errors import InputError

_MOVE = "move them out of the repository, or below data/<name>/clips, which git ignores"


def check_source(dataset: str, source: Path) -> None:
    """Refuse to read a licensed data set's clips from where a push would send them.

    It sees the pointers in the source's folder, in those above it and in it; what other pointers and stages send,
    `make what-leaves` lists.

    Raises:
        InputError: a DVC pointer covers them and does not say `push: false`; or git tracks one of them, or would with
            the next `git add`.
    """
    key = f"ingest.{dataset}.licensed"
    for pointer in _pushed(source):
        raise InputError(
            f"{dataset} is licensed, and `dvc push` would send {source} to a remote",
            file=pointer,
            key="outs.push",
            do="write `push: false` below its `path:`, as data/weizmann/clips.dvc has it; if it was pushed already, "
            "delete it from the remote; or, where the licence allows, say `ingest: {licensed: false}` in "
            f"params/datasets/{dataset}.yaml",
        )
    if tracked := _git(source, "ls-files", "-z"):
        raise InputError(
            f"{dataset} is licensed, and git tracks {len(tracked)} of its files, so that `git push` would send them",
            file=tracked[0],
            key=key,
            do=f"`git rm -r --cached {source}`; if they are in a commit, rewrite it before you push; then {_MOVE}",
        )
    if loose := _git(source, "ls-files", "-z", "--others", "--exclude-standard"):
        raise InputError(
            f"{dataset} is licensed, and git does not ignore {len(loose)} of its files: `git add -A` would take them",
            file=loose[0],
            key=key,
            do=f"{_MOVE}; or name {source} in .gitignore",
        )


def tell_unchecked(dataset: str) -> None:
    """Say of a licensed data set where nothing asks before `dvc push`: in an environment that `make` did not set up."""
    if "har_vlm_leaves" not in sys.modules:
        sends = f"`dvc push` of {sys.prefix} would send what is made of it"
        print(f"warning: {dataset} is licensed, and {sends}: run `make hooks`", file=sys.stderr)


def overlap(one: PurePath, other: PurePath) -> bool:
    """Tell whether two paths are the same or one lies in the other."""
    return one.is_relative_to(other) or other.is_relative_to(one)


def _pushed(source: Path) -> Iterator[Path]:
    """Yield the pointers of which an output is the source, holds it or lies in it, and may be pushed."""
    place = _absolute(source)
    found = [path for folder in place.parents for path in sorted(folder.glob("*.dvc"))]
    for pointer in [*found, *(sorted(place.rglob("*.dvc")) if place.is_dir() else [])]:
        for out in _outs(pointer) if pointer.is_file() else []:
            path = _absolute(pointer.parent / str(out["wdir"]) / str(out["path"]))
            if out["push"] and overlap(path, place):
                yield Path(os.path.relpath(pointer))


def _outs(pointer: Path) -> list[dict[str, Any]]:
    """Return path, working folder and `push` of each output of a pointer; none where it is no pointer of DVC's."""
    try:
        content = yaml.safe_load(pointer.read_text(encoding="utf-8"))
        return [
            {
                "wdir": content.get("wdir", "."),
                "path": out["path"],
                "push": out.get("push", True) and out.get("cache", True),
            }
            for out in content.get("outs", [])
        ]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        return []


def _absolute(path: Path) -> Path:
    """Return where a path lies, links of its folders followed but not its own: DVC may link a folder to its cache."""
    return path.parent.resolve() / path.name if path.name not in ("", "..") else path.resolve()


def _git(source: Path, *arguments: str) -> list[str]:
    """Return the files of the source that git lists; none where there is no git, or no repository of it around it."""
    folder = source if source.is_dir() else source.parent
    inside = "." if source.is_dir() else source.name
    asked = ["git", *arguments, "--", inside]
    try:
        done = subprocess.run(asked, cwd=folder, capture_output=True, check=False)
    except OSError:
        return []
    return [os.path.join(folder, name) for name in os.fsdecode(done.stdout).split("\0") if name]
