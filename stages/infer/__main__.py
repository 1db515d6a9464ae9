"""What a model says of each clip, as table PREDICTIONS: `python -m stages.infer home embedded list`.

Asks the model `vlm.<model>` about the clips of `infer.<dataset>` in the way of `strategies.<strategy>`; the method is
called `<model>_<strategy>`. Answers are journalled as they come, so that a killed run goes on where it stopped.
"""

from __future__ import annotations

import argparse
from collections import Counter

from stages.core.errors import guard
from stages.core.journal import Journal
from stages.core.params import read
from stages.core.paths import Run
from stages.core.progress import Progress, closing
from stages.core.schema import PREDICTIONS
from stages.core.tables import write_table
from stages.infer.clips import classes_of, wanted
from stages.infer.params import PARAMS, AsPublished, Describe, Judge
from stages.infer.rows import infer, refill
from stages.infer.strategies import Classes, strategy
from stages.vlm.ask import Tally
from stages.vlm.load import load
from stages.vlm.show import Show


def main() -> None:
    """Ask one model in one way about one data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="a block under `infer` in params.yaml")
    parser.add_argument("model", help="a block under `vlm`")
    parser.add_argument("strategy", help="a block under `strategies`")
    cell = parser.parse_args()
    dataset, block, vlm = read(PARAMS, **vars(cell)).values()
    run = Run(cell.dataset)
    published = isinstance(block, AsPublished)
    method = cell.model if published else f"{cell.model}_{cell.strategy}"

    show = Show(run, vlm)
    clip_ids = wanted(run, show.labels, dataset.parts)
    backend = text_model = load(vlm, cell.model)
    if isinstance(block, Judge) and block.text_model:
        text_model = load(block.text_model, cell.strategy)
    free = published or isinstance(block, Describe)
    classes = Classes({}, False) if free else classes_of(show.labels, dataset.labels == "multi")
    asking = strategy(block, backend, text_model, classes)
    revisions = dict.fromkeys([backend.revision, text_model.revision])
    same = {"method": method, "revision": "+".join(revisions)}

    tally, name = Tally(), f"infer {cell.dataset} {method}"
    with Journal("infer") as journal:
        refill(journal, run.predictions(method), asking)
        with Progress(f"{name}, answers", len(clip_ids) * asking.questions) as progress:
            rows = [same | row for row in infer(show, clip_ids, asking, journal, tally, progress.advance)]
    write_table(run.predictions(method), rows, PREDICTIONS)
    status = ", ".join(f"{count} {status}" for status, count in sorted(Counter(row["status"] for row in rows).items()))
    did = f"{len(rows)} clips ({status}), {show.unusable} unusable left out; {tally.computed} answers computed"
    failed = [row["clip_id"] for row in rows if row["status"] == "error"]
    closing(name, did, tally.asked - tally.computed, failed)


if __name__ == "__main__":
    guard(main)
