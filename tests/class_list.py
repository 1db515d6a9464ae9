"""The class list of a run whose manifest a test wrote by hand, as `ingest` would write it."""

from __future__ import annotations

import polars as pl

from stages.base.paths import Run
from stages.base.schema import MANIFEST
from stages.base.tables import read_table
from stages.labels.classes import Labels, class_list, write_classes


def write_class_list(run: Run, labels: Labels = "single") -> None:
    """Write the class list of a run's manifest."""
    usable = read_table(run.manifest, MANIFEST).filter(pl.col("error").is_null())
    write_classes(run, class_list(usable["labels"].to_list(), labels))
