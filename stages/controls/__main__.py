"""Trained models on controls of their test clips: `python -m stages.controls home`.

Reads the clips, the simulator's truth about them and the weights that `train` wrote; writes
metrics/<dataset>/controls.csv: mean class accuracy, interval and chance of each method of `controls.<dataset>` on clips
as they are, without the person, of nothing but the mean colour, and, where two classes differ in the direction of
motion only, of one frame and of frames in another order (in the opposite order the answers must turn round).
"""

from __future__ import annotations

import argparse

from stages.controls.params import PARAMS
from stages.core.errors import guard
from stages.core.params import read
from stages.core.paths import Run
from stages.core.progress import closing
from stages.core.reproducible import hold_arithmetic
from stages.core.tables import write_text


def main() -> None:
    """Ask the methods of one data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a block under `controls` and `train` in params.yaml")
    run = Run(parser.parse_args().dataset)
    params, trained, *level = read(PARAMS, dataset=run.name).values()
    hold_arithmetic()
    import polars as pl

    from stages.controls.make import make  # torch must not be imported before its arithmetic is held
    from stages.stats.intervals import Level

    rows = make(run, params, trained, Level(*level))
    path = run.metrics / "controls.csv"
    write_text(path, pl.DataFrame(rows).with_columns(pl.col(pl.Float64).round(6)).write_csv())
    closing(f"controls {run.name}", f"{len(rows)} rows of {len(params.methods)} methods in {path}")


if __name__ == "__main__":
    guard(main)
