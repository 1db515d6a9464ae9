"""What luck is worth: `make seeds` runs the two commands below.

    python -m stages.seeds run --jobs 1      every cell of seeds/dvc.yaml that has to run
    python -m stages.seeds gather            metrics/<dataset>/seeds from them

A cell, as DVC runs it, is `row <dataset> <method> <recipe> <key> <draw>` (a method that learnt) or `base <dataset>
<model> <recipe> <key> <draw>` (what follows from a base model and learnt nothing more): it raises the seed under <key>
of params/recipes/<recipe>.yaml by <draw>, reproduces the scores in a workspace of its own below `.seeds`, and writes
them to seeds/cells; of a draw of a method's own seed also what it said of each clip.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stages.base.errors import guard
from stages.base.paths import Run
from stages.base.progress import closing
from stages.seeds.gather import gather
from stages.seeds.lock import check_current, maker, not_learnt, read_lock
from stages.seeds.run import run
from stages.seeds.table import BASE, cell_file, clips_file, drawn, said, write_clips, write_rows
from stages.seeds.workspace import Seed, prepare, reproduce


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    do = parser.add_subparsers(dest="do", required=True)
    for name, what in (("row", "method"), ("base", "model")):
        of_cell = do.add_parser(name, help="one cell, as DVC runs it")
        of_cell.add_argument("dataset")
        of_cell.add_argument("name", metavar=what)
        of_cell.add_argument("recipe", help="a file of params/recipes")
        of_cell.add_argument("key", help="the seed's, in it")
        of_cell.add_argument("draw", type=int, help="what is added to the seed there, from 1 on")
    of_run = do.add_parser("run", help="every cell that has to run")
    of_run.add_argument("--jobs", type=int, default=1, help="cells at a time")
    of_run.add_argument("--only", default="*", help="cells whose name fits, such as 'adapt_1@*'")
    of_run.add_argument("--force", action="store_true", help="also those that are up to date")
    of_gather = do.add_parser("gather", help="the tables")
    of_gather.add_argument("--partial", action="store_true", help="though cells are missing")
    given = parser.parse_args()
    if given.do == "run":
        run(given.jobs, given.only, given.force)
    elif given.do == "gather":
        print("\n".join(gather(given.partial)))
    else:
        draw(given.do, given.dataset, given.name, Seed(given.recipe, given.key), given.draw)


def draw(kind: str, dataset: str, name: str, seed: Seed, number: int) -> None:
    """Make one cell's numbers."""
    shipped, key = read_lock(Path("dvc.lock")), seed.key
    learnt = f"data/models/{name}" if kind == "base" else f"data/{dataset}/models/{name}"
    check_current(shipped, maker(shipped, learnt))
    methods = not_learnt(shipped, dataset, name) if kind == "base" else [name]
    place = prepare(seed, number)
    reproduce(place, [str(Run(dataset).scores(method)) for method in methods])
    seeds = (number, 0) if key == BASE else (0, number)
    out = cell_file(dataset, name, key, number)
    write_rows(out, drawn(place, dataset, methods, *seeds))
    if kind == "row" and key != BASE:
        write_clips(clips_file(out), said(place, dataset, name))
    closing("seeds", f"{', '.join(methods)} on {dataset}: {seed.file}, {key} raised by {number}")


if __name__ == "__main__":
    guard(main)
