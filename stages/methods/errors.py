"""The counts of errors of a data set's cells that ask, all 0 before anything is asked.

A server that is down or a quota that is spent must not leave its errors in a table for good. So each cell that asks a
model has one number of metrics/<data set>/errors.json among its params. At its end it writes there how many of its
answers ended in an error, and DVC records that number as the one it ran with. With such a number the file is no longer
what `keywords` wrote, the first of these cells: the next `dvc repro` runs it, which takes seconds, the number is 0
again, and the cell runs and asks what its journal lacks. A run without errors leaves the file as it was, and DVC's run
cache has under 0 only what had none.

To leave errors as they are: `dvc repro keywords@home`, then `dvc commit -f` with the names of the cells. (A commit of
`keywords` would make a cell run with another number than 0, under which the run cache may have a run with errors.)
"""

from __future__ import annotations

from collections.abc import Mapping

from stages.base.paths import Run
from stages.base.tables import write_json
from stages.methods.records import Record


def reset(run: Run, asked: Mapping[str, Record]) -> None:
    """Write 0 for each cell of a data set that asks: captions, each method that is asked, judgements."""
    own = sorted(one.method for one in asked.values() if one.dataset == run.name)
    write_json(run.errors, {"caption": 0, "infer": dict.fromkeys(own, 0), "measure": 0})
