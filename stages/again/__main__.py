"""The counts of errors of a data set's cells that ask, all at nought: `python -m stages.again home`.

A server that is down or a quota that is spent must not leave its errors in a table for good. So each cell that asks a
model has one number of metrics/<data set>/errors.json among its params. At its end it writes there how many of its
answers ended in an error, and DVC records that number as the one it ran with. With such a number the file is no longer
what this stage wrote: the next `dvc repro` runs the stage, which takes a second, the number is 0 again, and the cell
runs and asks what its journal lacks. A run without errors leaves the file as it was, and DVC's run cache has under 0
only what had none.

To leave errors as they are: `dvc repro again@home`, then `dvc commit -f` with the names of the cells. (A commit of this
stage would make a cell run with another number than 0, under which the run cache may have a run with errors.)
"""

from __future__ import annotations

import argparse

from stages.again.params import PARAMS
from stages.base.errors import guard
from stages.base.params import read
from stages.base.paths import Run
from stages.base.progress import closing
from stages.base.tables import write_json


def main() -> None:
    """Write a nought for each cell of a data set that asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a file of params/datasets")
    run = Run(parser.parse_args().dataset)
    (asked,) = read(PARAMS, dataset=run.name).values()
    own = sorted(one.method for one in asked.values() if one.dataset == run.name)
    write_json(run.errors, {"caption": 0, "infer": dict.fromkeys(own, 0), "measure": 0})
    closing(f"again {run.name}", f"{len(own) + 2} cells that ask; what ended in an error before is asked again")


if __name__ == "__main__":
    guard(main)
