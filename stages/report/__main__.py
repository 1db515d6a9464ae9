"""Write a run's report: one self-contained page of its numbers, examples and where they come from.

    python -m stages.report smarthome_vlm

The page is `data/<run>/report/index.html`. It asks nothing of the network, and the same tables give the same bytes.
"""

from __future__ import annotations

import argparse

from stages.base.errors import guard
from stages.base.params import read
from stages.base.paths import Run
from stages.base.progress import closing
from stages.base.tables import write_text
from stages.report.inputs import load
from stages.report.params import PARAMS
from stages.report.render import Rules, page


def main() -> None:
    """Read params and tables, render, write."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("dataset", help="the run, a block of `report` in params.yaml")
    dataset = arguments.parse_args().dataset
    values = read(PARAMS, dataset=dataset)
    methods, nulls = values["compare.{dataset}.methods"], values["compare.{dataset}.nulls"]
    params = values["report.{dataset}"]
    thresholds, licensed = values["scored.{dataset}.thresholds"], values["ingest.{dataset}.licensed"]
    rules = Rules(thresholds, values["score.confidence"], licensed)
    run = Run(dataset)
    text = page(load(run, methods, nulls), params, rules)
    path = run.data / "report" / "index.html"
    write_text(path, text)
    closing("report", f"{path}, {len(text.encode()) / 1e6:.1f} MB, {len(methods)} methods, {len(nulls)} null models")


if __name__ == "__main__":
    guard(main)
