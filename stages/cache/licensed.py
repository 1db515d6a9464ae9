"""Which outputs are of a licensed data set, as DVC's graph tells it, and by which hashes their content is known.

Licensed is a data set that its file in params/datasets marks so under `ingest`: its clips, all below data/<name>, and
whatever a stage makes of these, directly or not.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import yaml

from stages.base.errors import InputError
from stages.base.licence import overlap
from stages.base.params import DATASETS

#: Shorter contents, such as an empty list, are nobody's: they are the same in every data set.
SHORTEST = 32


@dataclass(frozen=True)
class Licence:
    """What params say of a data set."""

    licensed: bool
    sources: frozenset[PurePosixPath]
    """Where its clips, or their names, are, from the repository's root, as any study's record says."""


@dataclass
class Material:
    """What of a revision is licensed; paths count from the repository's root."""

    licences: dict[str, Licence]
    outs: dict[PurePosixPath, Any] = field(default_factory=dict)
    """DVC's outputs that are licensed."""
    others: dict[PurePosixPath, Any] = field(default_factory=dict)
    """All other outputs."""

    def areas(self) -> list[PurePosixPath]:
        """Return the folders and files that are licensed whatever DVC knows of them."""
        found = {
            path
            for name, one in self.licences.items()
            if one.licensed
            for path in (PurePosixPath("data") / name, *one.sources)
        }
        return sorted(found)

    def dataset(self, path: PurePosixPath) -> str:
        """Return the data set whose folder a path is in, below data/, metrics/ or seeds/cells; else an empty text."""
        for folder in ("data", "metrics", "seeds/cells"):
            if path.is_relative_to(folder) and path != PurePosixPath(folder):
                name = path.relative_to(folder).parts[0]
                return name if name in self.licences else ""
        return ""


def material(repo: Any, said: Mapping[str, Licence] | None = None) -> Material:
    """Return what of the revision that a DVC repository is at is licensed; `said` overrules what its params say.

    Raises:
        InputError: a params file cannot be read, so that nobody knows what is licensed.
    """
    found = Material({**licences(repo), **(said or {})})
    licensed = set(found.areas())
    stages = list(repo.index.stages)
    made = {id(stage): [relative(repo, out) for out in stage.outs] for stage in stages}
    read = {id(stage): [relative(repo, dep) for dep in stage.deps if _is_file(dep)] for stage in stages}
    waiting, more = stages, True
    while more:
        touched = [
            stage
            for stage in waiting
            if any(overlap(path, area) for path in (*made[id(stage)], *read[id(stage)]) for area in licensed)
        ]
        more = bool(touched)
        licensed |= {path for stage in touched for path in made[id(stage)]}
        chosen = {id(stage) for stage in touched}
        waiting = [stage for stage in waiting if id(stage) not in chosen]
    for stage in stages:
        for path, out in zip(made[id(stage)], stage.outs, strict=True):
            (found.outs if path in licensed else found.others)[path] = out
    return found


def licences(repo: Any) -> dict[str, Licence]:
    """Return the licence of each data set that has a file in params/datasets.

    Raises:
        InputError: one of the files, or a study's params, cannot be read.
    """
    places: dict[str, set[PurePosixPath]] = {}
    for study in [repo.root_dir, *_listed(repo, "papers")]:
        values = _read(repo, repo.fs.join(study, "params.yaml"))
        for kind in ("pushed", "kept", "listed"):
            for name, record in (values.get(kind) or {}).items():
                clips = record.get("clips") if isinstance(record, dict) else None
                if isinstance(clips, str):
                    places.setdefault(str(name), set()).add(PurePosixPath(os.path.normpath(clips)))
    found: dict[str, Licence] = {}
    for file in _listed(repo, DATASETS):
        if file.endswith(".yaml"):
            name, block = PurePosixPath(file.replace(os.sep, "/")).stem, _read(repo, file).get("ingest")
            if isinstance(block, dict):
                # Whoever says nothing, or something else than false, has not said that it may leave.
                clips = places.get(name, set()) | {PurePosixPath(f"data/{name}/clips")}
                if isinstance(videos := block.get("videos"), str):
                    clips |= {PurePosixPath(os.path.normpath(videos))}
                found[name] = Licence(block.get("licensed") is not False, frozenset(clips))
    return found


def _listed(repo: Any, folder: str) -> list[str]:
    path = repo.fs.join(repo.root_dir, folder)
    return sorted(repo.fs.ls(path, detail=False)) if repo.fs.isdir(path) else []


def _read(repo: Any, file: str) -> dict[str, Any]:
    if not repo.fs.isfile(file):
        return {}
    try:
        with repo.fs.open(file, "r", encoding="utf-8") as stream:
            values = yaml.load(stream.read(), yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"cannot be read ({error})", file=file, do="correct it: it says what is licensed") from None
    return values if isinstance(values, dict) else {}


def relative(repo: Any, out: Any) -> PurePosixPath:
    """Return an output's, or a dependency's, path from the repository's root."""
    return PurePosixPath(repo.fs.relpath(out.fs_path, repo.root_dir).replace(os.sep, "/"))


def hashes(out: Any) -> Iterator[tuple[str, int | None]]:
    """Yield hash and size of each file of an output, as far as lock and cache know them; of a listing too."""
    if not out.hash_info or not out.hash_info.value:
        return
    yield out.hash_info.value, out.meta.size if out.meta and not out.hash_info.isdir else None
    if out.hash_info.isdir:
        try:
            tree = out.get_obj()
        except Exception:  # DVC names no one error of a listing that is damaged, and it tells nothing more
            tree = None
        for _, meta, info in tree or ():
            yield info.value, meta.size if meta else None


def known(outs: Iterable[Any]) -> set[str]:
    """Return the hashes of all that these outputs hold, less what is too short to be anybody's."""
    return {value for out in outs for value, size in hashes(out) if size is None or size >= SHORTEST}


def _is_params(dep: Any) -> bool:
    from dvc.dependency import ParamsDependency

    return isinstance(dep, ParamsDependency)


def _is_file(dep: Any) -> bool:
    return not _is_params(dep) and bool(dep.is_in_repo)
