"""The cells of `seeds/dvc.yaml`, as DVC resolves them: which there are, and which have to run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stages.base.errors import InputError
from stages.base.names import arguments
from stages.cells.changed import has_changed
from stages.seeds.table import cell_file

PIPELINE = Path("seeds/dvc.yaml")


@dataclass(frozen=True)
class Cell:
    """One draw of a seed."""

    address: str
    """As DVC names it."""
    kind: str
    """row (a method that learnt) or base (what follows from a base model and learnt nothing more)."""
    name: str
    """The method, or the base model."""
    recipe: str
    """A file of params/recipes."""
    key: str
    """Of the seed in its recipe."""
    draw: int
    out: Path
    absent: tuple[str, ...]
    """What it is made from and is not there."""
    stale: bool
    """Whether its file is missing, or was made from other data or params."""

    @property
    def title(self) -> str:
        """Its name in the pipeline."""
        return self.address.rpartition(":")[2]

    @property
    def dataset(self) -> str:
        """The data set of its numbers."""
        return self.out.parent.name


def cells() -> list[Cell]:
    """Return the pipeline's cells, first draws first, so that a run which is cut short has some of each row.

    Raises:
        InputError: there is no such pipeline here, or another process is at work at one of its cells.
    """
    from dvc.repo import Repo
    from dvc.stage import PipelineStage

    if not PIPELINE.exists():
        raise InputError("no such file", file=PIPELINE, do="run it in the project's root")
    found = []
    with Repo(_wait_for_lock=True) as repo, repo.lock:
        for stage in repo.index.stages:
            if not isinstance(stage, PipelineStage) or Path(stage.path).resolve() != PIPELINE.resolve():
                continue
            kind, (dataset, name, recipe, key, draw) = stage.cmd.split()[-1], arguments(stage.meta)
            absent = tuple(str(dep) for dep in stage.deps if not dep.exists)
            out = cell_file(dataset, name, key, int(draw))
            stale = has_changed(stage)
            found.append(Cell(stage.addressing, kind, name, recipe, key, int(draw), out, absent, stale))
    return sorted(found, key=lambda cell: cell.draw)
