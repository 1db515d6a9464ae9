"""Outputs in the working tree: what of them DVC may replace, and what is nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dvc_data.hashfile.hash import file_md5

from stages.base.errors import InputError
from stages.ship.cells import Cell


def to_check_out(repo: Any, cells: Iterable[Cell]) -> list[str]:
    """Return the outputs of these cells that are not in the working tree as `dvc.lock` has them."""
    return [out.def_path for cell in cells for out in cell.files if out.workspace_status()]


def replaced(repo: Any, cells: Iterable[Cell]) -> list[str]:
    """Return those of them that are there, with another content."""
    return [path for path in to_check_out(repo, cells) if (Path(repo.root_dir) / path).exists()]


def refuse_unsaved(repo: Any, cells: Iterable[Cell]) -> None:
    """Make sure that nothing is lost where DVC replaces the outputs of these cells.

    Raises:
        InputError: an output is neither what `dvc.lock` names nor in DVC's cache: trained by hand, say.
    """
    unsaved = [(cell.name, out.def_path) for cell in cells for out in cell.files if not _saved(repo, out)]
    if unsaved:
        names = sorted({name for name, _ in unsaved})
        raise InputError(
            "not what dvc.lock names, and nowhere else: nothing was replaced, `dvc repro` would remove it",
            file=", ".join(path for _, path in unsaved),
            do=f"to keep it as the result of its cell, `dvc commit --force {' '.join(names)}`; else move or remove it, "
            "and run the same command again",
        )


def _saved(repo: Any, out: Any) -> bool:
    """Tell whether an output is absent, as the lock has it, or, file by file, in DVC's cache."""
    if out.workspace_status().get(str(out)) not in ("modified", "new"):
        return True
    cache = repo.cache.local
    return all(cache.exists(file_md5(str(file), out.fs)) for file in _files(Path(out.fs_path)))


def _files(path: Path) -> Iterator[Path]:
    found = [path] if path.is_file() else sorted(path.rglob("*"))
    yield from (file for file in found if file.is_file())
