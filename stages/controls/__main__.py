"""Controls that keep a benchmark honest: `python -m stages.controls home r2plus1d_cs r2plus1d cs`.

Test clips are shown without the person, as nothing but their mean colour, and, where two classes differ in the
direction of motion only, as one frame, with frames in random order and in the opposite order. Two kinds of methods name
them: a linear classifier on the frozen vision of a VLM, which is trained under each control too, so that what the rooms
or the light give away would be found; and models that `train` made of the clips as they are. Reads the clips, the
simulator's truth about them and the models; writes metrics/<dataset>/controls.csv: mean class accuracy, interval and
chance.
"""

from __future__ import annotations

import argparse

from stages.base.errors import guard
from stages.base.params import read
from stages.base.paths import Run
from stages.base.progress import closing
from stages.base.spreadsheet import csv_text
from stages.base.tables import write_text
from stages.controls.params import PARAMS, AskedParams
from stages.exact.reproducible import hold_arithmetic, keep_freed_memory


def main() -> None:
    """Ask the methods of one data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a file of params/datasets, of rendered clips")
    parser.add_argument("method", help="a method that `train` or `distill` made")
    parser.add_argument("recipe", help="its file of params/recipes")
    parser.add_argument("protocol", help="its protocol")
    cell = parser.parse_args()
    run = Run(cell.dataset)
    params, *level, recipe = read(PARAMS, dataset=run.name, recipe=cell.recipe).values()
    hold_arithmetic()
    keep_freed_memory()
    import polars as pl

    from stages.controls.make import make  # torch must not be imported before its arithmetic is held
    from stages.stats.intervals import Level

    trained = {cell.method: AskedParams(**dict(recipe), protocol=cell.protocol)}
    rows = make(run, params, trained, Level(*level))
    path = run.metrics / "controls.csv"
    write_text(path, csv_text(pl.DataFrame(rows).with_columns(pl.col(pl.Float64).round(6))))
    closing(f"controls {run.name}", f"{len(rows)} rows of {len(params.frozen) + 1} methods in {path}")


if __name__ == "__main__":
    guard(main)
