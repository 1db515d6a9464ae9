"""The cells of the root `dvc.yaml` that learn, and what makes one of them learn again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

#: Stages whose cells learn: their outputs are shipped.
LEARNING = ("pretrain", "train", "adapt", "teach", "distill", "interact")


def learns(name: str) -> bool:
    """Tell whether a cell, by its name such as `train@home_r2plus1d_cs`, learns."""
    return name.partition("@")[0] in LEARNING


@dataclass(frozen=True)
class Cell:
    """A cell that learns; `stage` is DVC's own object."""

    name: str
    stage: Any

    @property
    def files(self) -> list[Any]:
        """Its outputs that DVC's cache holds, as DVC's own objects; small tables are in git themselves."""
        return [out for out in self.stage.outs if out.use_cache]

    @property
    def outs(self) -> dict[str, str | None]:
        """These: path from the root -> hash that `dvc.lock` records; None where the lock has no such output."""
        return {out.def_path: out.hash_info.value if out.hash_info else None for out in self.files}


def learning(repo: Any) -> list[Cell]:
    """Return the cells that learn, each after those that it learns from."""
    import networkx as nx

    root = Path(repo.root_dir) / "dvc.yaml"
    ordered = nx.dfs_postorder_nodes(repo.index.graph)  # an edge leads from a stage to one that it needs
    return [
        Cell(stage.name, stage) for stage in ordered if Path(stage.path) == root and learns(getattr(stage, "name", ""))
    ]


def upstream(repo: Any, cell: Cell) -> list[Any]:
    """Return DVC's stages that a cell needs, directly or not."""
    import networkx as nx

    return list(nx.descendants(repo.index.graph, cell.stage))


def stale(repo: Any, stage: Any, *, made: bool = False) -> list[str]:
    """Return what makes a stage run again: its command, params, and files that no stage makes, where they changed.

    With `made` also files that another stage made and that are there. A file that is not there tells nothing.
    """
    if not stage.cmd:
        return []  # data that came from elsewhere: what it is there now is no question of a run
    found = ["its command"] if stage.changed_stage() else []
    outs = [Path(out.fs_path) for out in repo.index.outs]
    for dep in stage.deps:
        path = Path(dep.fs_path)
        own = any(path == out or out in path.parents or path in out.parents for out in outs)
        if own and not made:
            continue
        for name, state in dep.status().items():
            # Of params: key -> state. Of a file: its state.
            keys = state if isinstance(state, dict) else {name: state}
            found += [key for key, what in keys.items() if isinstance(state, dict) or what != "deleted"]
    return sorted(found)


def locks(repo: Any) -> dict[Path, dict[str, Any]]:
    """Return the cells of each lock of the repository, by the lock's path: name -> what is recorded of it."""
    paths = {Path(stage.path).with_suffix(".lock") for stage in repo.index.stages if stage.path.endswith(".yaml")}
    return {path: locked(path.read_text()) for path in sorted(paths) if path.exists()}


def locked(lock: str) -> dict[str, Any]:
    """Return the cells in the text of a `dvc.lock`."""
    found: dict[str, Any] = (yaml.load(lock, yaml.CSafeLoader) or {}).get("stages", {})
    return found


def fingerprint(entry: Any) -> str:
    """Return the hash of what a lock records of a cell, or of a part of it."""
    text = json.dumps(entry, sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def hashes(entries: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return path -> hash of the `outs` or `deps` that a lock records."""
    return {entry["path"]: entry["md5"] for entry in entries if "md5" in entry}
