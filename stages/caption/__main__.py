"""Reference captions of a data set, as table CAPTIONS: `python -m stages.caption home embedded`.

The model `vlm.<model>` sees a clip, its label and its keywords and writes a caption; one without a keyword of the class
is asked for again, up to `caption.<dataset>.attempts` times. The gate: every caption holds a keyword of its class, or
the stage fails and names the clips. Answers are journalled as they come: nothing is lost then, and a killed run goes on
where it stopped.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from stages.base.errors import allow, guard
from stages.base.journal.store import Journal
from stages.base.params import read
from stages.base.paths import Run
from stages.base.progress import Progress, closing
from stages.base.schema import CAPTIONS
from stages.base.tables import table_of, write_table
from stages.caption.caption_rows import KINDS, Row, captions, gate, read_keywords, refill
from stages.caption.loop import Rules
from stages.caption.params import PARAMS
from stages.labels.classes import read_classes
from stages.vlm.ask import Tally
from stages.vlm.dry import DryJournal, Pretend, keep_speed
from stages.vlm.load import load, on_cluster
from stages.vlm.prompts import Prompt
from stages.vlm.show import Show
from stages.vlm.unanswered import count_errors


def main() -> None:
    """Caption one data set with one model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="a file of params/datasets")
    parser.add_argument("model", help="a file of params/models; none: there are no captions")
    parser.add_argument("--dry", action="store_true", help="ask nothing, write nothing: say what would be asked")
    cell = parser.parse_args()
    params, vlm = read(PARAMS, dataset=cell.dataset, model=cell.model).values()
    run, prompts = Run(cell.dataset), Path(__file__).parent / "prompts"
    if params is None or vlm.backend == "none":
        write_table(run.captions, [], CAPTIONS)
        count_errors(run, 0, "caption")
        return closing(f"caption {cell.dataset}", "no captions: nobody writes them")
    show, backend, tally = Show(run, vlm, on_cluster(vlm) and not cell.dry), load(vlm, cell.model), Tally()
    pretend = Pretend(backend, vlm, repeats=False)
    words = read_classes(run).words
    keywords = read_keywords(run.keywords, words)
    rules = Rules(Prompt(prompts, params.ask), Prompt(prompts, params.insist), params.attempts, words)
    name, same = f"caption {cell.dataset}", {"model": cell.model, "revision": backend.revision}
    unused = show.tell_unused(name)
    whys: dict[str, str] = {}
    start = time.monotonic()
    with (DryJournal if cell.dry else Journal)("caption", *KINDS) as journal:
        refill(journal, run.captions)
        with Progress(f"{name}, clips", len(show.labels)) as progress:
            asked = pretend if cell.dry else backend
            written = captions(show, keywords, rules, asked, journal, tally, progress.advance)
            found = table_of(run.captions, _told(written, same, whys), CAPTIONS)
    if cell.dry:
        print(f"{name}, dry, first attempts only: {len(found)} clips")
        print(f"  {pretend.report(getattr(vlm, 'name', cell.model), 'caption')}")
        return
    keep_speed("caption", backend, time.monotonic() - start, tally.computed)
    shown = set(found.filter(pl.col("attempts").is_not_null())["clip_id"])
    errors = {clip for clip, why in whys.items() if clip in shown and why.startswith("error:")}
    lost = {clip: why for clip, why in whys.items() if clip in errors or clip not in shown}
    allow(lost, len(found), params.errors, "clips")
    if params.gate:
        gate(whys, len(found))
    write_table(run.captions, found, CAPTIONS)
    tries = sorted(found["attempts"].drop_nulls().value_counts().rows())
    tried = ", ".join(f"{clips} at attempt {attempt}" for attempt, clips in tries)
    cut = len(found.filter(pl.col("ended") == "length"))
    tried += f"; {cut} cut at the longest answer allowed" if cut else ""
    did = f"{len(found)} captions ({tried}), {show.unusable} unusable clips left out; {tally.computed} answers computed"
    did += unused + (f"; {len(whys)} without a keyword" if whys else "")
    closing(name, did, tally.asked - tally.computed, then=count_errors(run, len(errors), "caption"))


def _told(
    written: Iterable[tuple[Row, str | None]], same: Mapping[str, str], whys: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """Yield whole rows of CAPTIONS; put into `whys` why a clip's caption does not pass."""
    for row, why in written:
        if why:
            whys[row["clip_id"]] = why
        yield {**same, **row}


if __name__ == "__main__":
    guard(main)
