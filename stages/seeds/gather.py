"""Tables of all draws, `seeds.csv` and `clips.csv` in metrics/<dataset>/seeds, from the cells and the shipped scores.

They are plain files, no outputs of a DVC stage: `score` reads them, and `dvc repro` would else run this pipeline,
hours of it, before the root's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.seeds.cells import Cell, cells
from stages.seeds.lock import not_learnt, read_lock
from stages.seeds.table import BASE, CLIPS, NUMBER, clips_file, drawn, read_rows, together, write_clips, write_rows


def gather(partial: bool) -> list[str]:
    """Write each data set's table; return what was done, a line a table.

    Args:
        partial: leave out cells that are missing or stale, instead of refusing.

    Raises:
        InputError: a cell is missing or stale, or its numbers are not those of the shipped run.
    """
    there = cells()
    stale = [cell.title for cell in there if cell.stale]
    if stale and not partial:
        raise InputError(
            f"{len(stale)} of {len(there)} cells are missing or stale: {', '.join(stale)}",
            do="run `make seeds`, or take what is there with `gather --partial`",
        )
    said = []
    for dataset in sorted({cell.dataset for cell in there}):
        held = [cell for cell in there if cell.dataset == dataset and not cell.stale]
        table = gathered(dataset, held)
        path = Run(dataset).metrics / "seeds/seeds.csv"
        write_rows(path, table)
        write_clips(path.with_name("clips.csv"), gathered_clips(held))
        left = sum(cell.dataset == dataset for cell in there) - len(held)
        said.append(f"{path}: {len(held)} cells, {len(table)} rows" + (f"; {left} cells left out" if left else ""))
    return said


def gathered(dataset: str, held: Sequence[Cell]) -> pl.DataFrame:
    """Return the rows of a data set's cells and, as draw 0 of both seeds, those of the shipped run.

    Raises:
        InputError: a cell lacks a number that the shipped run has, or has one more.
    """
    lock = read_lock(Path("dvc.lock"))
    methods = {cell: not_learnt(lock, dataset, cell.name) if cell.kind == "base" else [cell.name] for cell in held}
    shipped = drawn(Path(), dataset, sorted({name for names in methods.values() for name in names}), 0, 0)
    parts = [shipped]
    for cell in held:
        rows = read_rows(cell.out)
        expected = set(shipped.filter(pl.col("method").is_in(methods[cell])).select(NUMBER).iter_rows())
        if odd := sorted(expected ^ set(rows.select(NUMBER).iter_rows())):
            raise InputError(
                "the shipped run and this draw hold different numbers",
                file=cell.out,
                row="/".join(odd[0]),
                do=f"run `python -m stages.seeds run --force --only '{cell.title}'`",
            )
        parts.append(rows)
    return pl.concat(parts)


def gathered_clips(held: Sequence[Cell]) -> pl.DataFrame:
    """Return what each method's own draws said of each clip, by their seeds.

    Raises:
        InputError: a cell lacks this file, or its draw answered other clips.
    """
    own = sorted((cell for cell in held if cell.kind == "row" and cell.key != BASE), key=lambda c: c.draw)
    parts = [pl.DataFrame(schema=CLIPS)]
    for name in sorted({cell.name for cell in own}):
        of_name = [cell for cell in own if cell.name == name]
        draws = [read_rows(clips_file(cell.out), CLIPS) for cell in of_name]
        for cell, draw in zip(of_name, draws, strict=True):
            if set(draw["clip_id"]) != set(draws[0]["clip_id"]):
                raise InputError(
                    "this draw and another one answered other clips",
                    file=clips_file(cell.out),
                    do=f"run `python -m stages.seeds run --force --only '{cell.title}'`",
                )
        parts.append(together(draws))
    return pl.concat(parts)
