"""Controls that keep a benchmark honest: `python -m stages.controls home`.

A linear classifier on the frozen vision tower of the embedded VLM learns the train part of a protocol and names its
test part: from the clips as they are; without the person; from the mean colour; and, where two classes differ in the
direction of motion only, from one frame and from frames in random order. It is trained on controlled clips, too, so
that what the rooms or the light give away would be found. Writes metrics/<dataset>/controls.csv.
"""

from __future__ import annotations

import argparse

from stages.controls.params import PARAMS
from stages.core.errors import guard
from stages.core.params import read
from stages.core.paths import Run
from stages.core.progress import Progress, closing
from stages.core.tables import write_text


def main() -> None:
    """Ask about one data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a block under `controls` in params.yaml, of rendered clips")
    run = Run(parser.parse_args().dataset)
    params, *level = read(PARAMS, dataset=run.name).values()
    import polars as pl

    from stages.controls.rows import rows, task  # takes seconds, which a wrong command need not pay
    from stages.stats.intervals import Level

    clips = task(run, params)
    with Progress(f"controls {run.name}, clips", len(clips)) as progress:
        found = rows(run, clips, params, Level(*level), progress.advance)
    path = run.metrics / "controls.csv"
    write_text(path, pl.DataFrame(found).with_columns(pl.col(pl.Float64).round(6)).write_csv())
    closing(f"controls {run.name}", f"{len(found)} rows over {len(clips)} clips in {path}")


if __name__ == "__main__":
    guard(main)
