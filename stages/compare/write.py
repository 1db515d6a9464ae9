"""CSV tables, rounded so that a diff shows what moved."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from stages.base.spreadsheet import csv_text
from stages.base.tables import write_text

DIGITS = 6


def write_csv(path: Path, table: pl.DataFrame) -> None:
    """Write a table with numbers rounded to six digits and nothing where there is no number."""
    numbers = [name for name, kind in table.schema.items() if kind.is_float()]
    # Adding zero turns -0.0 into 0.0.
    write_text(path, csv_text(table.with_columns(pl.col(numbers).round(DIGITS) + 0.0)))
