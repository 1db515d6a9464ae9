"""The null models' answers, as table PREDICTIONS: `python -m stages.nulls home`.

null_constant says the same about every tested clip: for each metric the reference caption that does best by that metric
on the clips that no protocol tests on (a row each, column `metric`; see constant.py), where nobody writes captions a
narration, else a class in words. null_shuffled says what a model
said about a clip of another class. null_every_class names one keyword of every class. Each is written to
data/<run>/nulls/null_<name>.parquet; references.parquet holds the reference captions as answers, a row to compare
others with where the truth is known.

Where clips have several labels or none, or where params name no encoder, answers are sets: null_constant names the set
that most of the clips have that no protocol tests on, null_shuffled what a model named for a clip of another set,
null_every_class all classes.
"""

from __future__ import annotations

import sys

from stages.base.errors import InputError, guard
from stages.base.params import read
from stages.base.paths import Run
from stages.base.progress import closing
from stages.base.schema import PREDICTIONS
from stages.base.tables import write_table
from stages.labels.classes import read_classes
from stages.nulls.null_rows import sentences
from stages.nulls.null_sets import sets
from stages.nulls.params import PARAMS, NullParams


def main() -> None:
    """Write the three null models of one run."""
    if len(sys.argv) != 2:
        raise InputError("expected a data set", do="python -m stages.nulls <dataset>")
    run = Run(sys.argv[1])
    params: NullParams = read(PARAMS, dataset=run.name)["nulls.{dataset}"]
    classes = read_classes(run)
    closed = classes.many or params.encoder is None
    made = sets(run, params, classes) if closed else sentences(run, params, classes)
    for method, rows in made.rows.items():
        write_table(run.predictions(method), ({"method": method, **row} for row in rows), PREDICTIONS)
    did = f"3 null models of {made.clips} clips; null_constant says {made.constant}"
    closing(f"nulls {run.name}", did, made.known)


if __name__ == "__main__":
    guard(main)
