"""Texts in tables that people open with a spreadsheet: none is a formula, and machines read back what was written.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@`, also behind a tab or the end of a line. Such a text
gets an apostrophe before it, and so does one that begins with apostrophes and then one of these, so that reading takes
exactly one away (https://owasp.org/www-community/attacks/CSV_Injection). Numbers stay numbers.
"""

from __future__ import annotations

import re

import polars as pl

_RUN = r"^'*[=+\-@\t\r\n]"
_HELD = r"^'('*[=+\-@\t\r\n])"


def csv_text(table: pl.DataFrame) -> str:
    """Return a table as CSV in which no text is a formula."""
    texts = pl.col(pl.String)
    return table.with_columns(texts.str.replace(_RUN, "'$0")).write_csv()


def as_written(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table that was read from `csv_text` with its texts as they were."""
    return table.with_columns(pl.col(pl.String).str.replace(_HELD, "$1"))


def text_as_written(cell: str) -> str:
    """Return one text of such a table as it was."""
    return re.sub(_HELD, r"\1", cell)
