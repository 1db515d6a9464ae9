"""Write a run's report: one self-contained page of its numbers, examples and where they come from.

    python -m stages.report home metrics/home/controls.csv data/none metrics/home/seeds data/none

The page is `data/<run>/report/index.html`. It asks nothing of the network, and the same tables give the same bytes.
"""

from __future__ import annotations

import argparse

from stages.base.errors import guard
from stages.base.params import read
from stages.base.paths import Run, given
from stages.base.progress import closing
from stages.base.tables import write_text
from stages.report.inputs import load
from stages.report.params import PARAMS
from stages.report.render import Rules, page


def main() -> None:
    """Read params and tables, render, write."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("dataset", help="a file of params/datasets")
    arguments.add_argument("controls", help="CSV that `controls` wrote; data/none where there is none, as the others")
    arguments.add_argument("targets", help="JSON with a paper's numbers, papers/<paper>/targets.json")
    arguments.add_argument("seeds", help="folder of what `make seeds` wrote")
    arguments.add_argument("streams", help="folder of the people whom `streams` found")
    cell = arguments.parse_args()
    run, seeds = Run(cell.dataset), given(cell.seeds)
    params, licensed, thresholds, confidence = read(PARAMS, dataset=run.name).values()
    inputs = load(run, seeds)
    slots = (given(cell.controls), given(cell.targets), given(cell.streams))
    text = page(inputs, params, Rules(thresholds, confidence, licensed, *slots))
    path = run.data / "report" / "index.html"
    write_text(path, text)
    closing(
        "report",
        f"{path}, {len(text.encode()) / 1e6:.1f} MB, {len(inputs.methods)} methods, {len(inputs.nulls)} null models",
    )


if __name__ == "__main__":
    guard(main)
