"""What a model says of each clip, as table PREDICTIONS: `python -m stages.infer home embedded_list embedded list all`.

Asks the model `vlm.<model>` about the clips of `infer.<dataset>` by the strategy `strategies.<strategy>`. Answers are
journalled as they come, so that a killed run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import time

import polars as pl

from stages.base.errors import allow, guard
from stages.base.journal.store import Journal
from stages.base.params import read
from stages.base.paths import Run
from stages.base.progress import Progress, closing
from stages.base.schema import PREDICTIONS
from stages.base.tables import table_of, write_table
from stages.infer.answer_rows import KINDS, infer, refill
from stages.infer.clips import wanted
from stages.infer.limit import limited
from stages.infer.method import method
from stages.infer.params import PARAMS
from stages.infer.shots import shots
from stages.labels.classes import read_classes
from stages.vlm.ask import Tally
from stages.vlm.dry import DryJournal, Pretend, counting, keep_speed, to_ask
from stages.vlm.load import on_cluster
from stages.vlm.show import Show
from stages.vlm.unanswered import count_errors


def main() -> None:
    """Ask one model in one way about one data set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="a file of params/datasets")
    parser.add_argument("method", help="what this way of asking is called")
    parser.add_argument("model", help="a file of params/models")
    parser.add_argument("strategy", help="a block under `strategies` in params.yaml")
    parser.add_argument("protocol", help="all, or the protocol whose train part the model learnt from: its test clips")
    parser.add_argument("--dry", action="store_true", help="ask nothing, write nothing: say what would be asked")
    cell = parser.parse_args()
    dataset, block, vlm = read(PARAMS, dataset=cell.dataset, model=cell.model, strategy=cell.strategy).values()
    run = Run(cell.dataset)

    show, classes = Show(run, vlm, on_cluster(vlm) and not cell.dry), read_classes(run)
    every = wanted(run, show.labels, dataset.parts, None if cell.protocol == "all" else cell.protocol)
    clip_ids = limited(every, show.labels, dataset.limit)
    shown = shots(getattr(block, "examples", None), run, show, classes.names, every)
    counted: list[Pretend] = []
    made = method(
        (cell.model, vlm),
        (cell.strategy, block),
        show.labels,
        classes,
        shown,
        counting(counted) if cell.dry else lambda backend, _: backend,
    )
    same = {"method": cell.method, "revision": made.revision}
    output, tally, name = run.predictions(cell.method), Tally(), f"infer {cell.dataset} {cell.method}"
    unused = show.tell_unused(name)
    start = time.monotonic()
    with (DryJournal if cell.dry else Journal)("infer", *KINDS) as journal:
        refill(journal, output, made.asking)
        with Progress(f"{name}, answers", len(clip_ids) * made.asking.questions) as progress:
            found = infer(show, clip_ids, made.asking, journal, tally, progress.advance)
            rows = table_of(output, (same | row for row in found), PREDICTIONS)
    if cell.dry:
        print(f"{name}, dry: {len(clip_ids)} clips: {to_ask(tally)}")
        for each in counted:
            print(f"  {each.report(getattr(each.params, 'name', cell.model), 'infer')}")
        return
    keep_speed("infer", made.backend, time.monotonic() - start, tally.computed)
    errors = rows.filter(pl.col("status") == "error")
    failed = dict(errors.select("clip_id", "detail").iter_rows())
    allow(failed, len(rows), dataset.errors, "clips")
    not_asked = {"repeat": 0, "status": "missing", "detail": f"not asked: limit {dataset.limit}"}
    skipped = sorted({*every} - {*clip_ids})
    beside = table_of(output, (same | not_asked | {"clip_id": clip_id} for clip_id in skipped), PREDICTIONS)
    write_table(output, pl.concat([rows, beside]), PREDICTIONS)
    status = ", ".join(f"{count} {status}" for status, count in sorted(rows["status"].value_counts().rows()))
    cut = len(rows.filter(pl.col("ended") == "length"))
    status += f"; {cut} cut at the longest answer allowed" if cut else ""
    beyond = f", {len(skipped)} beyond the limit not asked" if skipped else ""
    left = f"{show.unusable} unusable left out{beyond}"
    did = f"{len(rows)} clips ({status}), {left}; {tally.computed} answers computed{unused}"
    # A clip that cannot be shown has no key: there is nothing to ask.
    then = count_errors(run, errors["journal_key"].count(), "infer", cell.method)
    closing(name, did, tally.asked - tally.computed, failed, then)


if __name__ == "__main__":
    guard(main)
