"""A language teacher on real narrations: `python -m stages.narrations epic_kitchens_100`.

Teaches linear heads on a frozen encoder to name verb and noun of narrations (Sun et al. 2024, section 3.2), and tests
them on others: those that training has word by word, and those that it has not, next to a baseline of keywords. Writes
metrics/<name>/narrations.csv (accuracies with intervals over participants) and metrics/<name>/nearest.csv (what the
teacher takes a class for besides itself).
"""

from __future__ import annotations

import argparse

import polars as pl

from stages.base.errors import guard
from stages.base.params import read
from stages.base.paths import Run
from stages.base.progress import closing
from stages.base.spreadsheet import csv_text
from stages.base.tables import rounded, write_text
from stages.exact.reproducible import hold_arithmetic
from stages.narrations.params import PARAMS, NarrationsParams


def main() -> None:
    """Teach and test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="a block under `narrations` in params.yaml")
    name: str = parser.parse_args().name
    params: NarrationsParams = read(PARAMS, name=name)["narrations.{name}"]
    hold_arithmetic()
    from stages.narrations.make import make  # torch must not be imported before its arithmetic is held

    did = make(name, params)
    folder = Run(name).metrics
    write_text(folder / "narrations.csv", csv_text(pl.DataFrame([rounded(row, 4) for row in did.accuracy])))
    write_text(folder / "nearest.csv", csv_text(pl.DataFrame([rounded(row, 4) for row in did.near])))
    new = [row for row in did.accuracy if row["part"] == "new" and row["head"] == "action"]
    said = ", ".join(f"{row['teacher']} {row['accuracy']:.3f} (keywords {row['keywords']:.3f})" for row in new)
    words = f"{did.texts} texts, {did.computed} embedded; actions of new narrations named: {said}"
    closing(f"narrations {name}", words, did.texts - did.computed)


if __name__ == "__main__":
    guard(main)
