"""A teacher of video models: `python -m stages.teach kitchen minilm kitchen_minilm given data/none`.

Of kind language it embeds the narration of each clip of the protocol's train part and trains linear heads to name the
class (Sun et al. 2024, section 3.2); of kind narrations it does so with published lists of narrations, which the last
argument names the folder of; of kind video it asks a trained model about the train clips. Writes
data/<dataset>/teachers/<method>: what it says of each (signals.parquet), whose classes and texts (teacher.json), what
it takes a class for besides itself (nearest.csv), and a card; and metrics/<dataset>/teachers/<method>.csv: how often it
is right, of texts next to what keywords get.
"""

from __future__ import annotations

import argparse

import polars as pl

from stages.base.errors import guard
from stages.base.params import read
from stages.base.paths import Run, given
from stages.base.progress import closing
from stages.base.spreadsheet import csv_text
from stages.base.tables import rounded, write_text
from stages.exact.reproducible import hold_arithmetic
from stages.teach.params import PARAMS


def main() -> None:
    """Teach one teacher on one data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a file of params/datasets")
    parser.add_argument("method", help="what teaches is called so")
    parser.add_argument("recipe", help="a file of params/recipes")
    parser.add_argument("protocol", help="a protocol of the data set, whose train part is taught")
    parser.add_argument("texts", help="folder of published lists of narrations, or data/none")
    cell = parser.parse_args()
    params = read(PARAMS, recipe=cell.recipe)["recipes.{recipe}"]
    hold_arithmetic()
    from stages.teach.make import make  # torch must not be imported before its arithmetic is held

    run = Run(cell.dataset)
    did = make(run, cell.method, cell.protocol, params, given(cell.texts))
    table = pl.DataFrame([rounded(row, 4) for row in did.rows])
    write_text(run.metrics / "teachers" / f"{cell.method}.csv", csv_text(table))
    closing(f"teach {cell.dataset} {cell.method}", did.words, did.cached)


if __name__ == "__main__":
    guard(main)
