"""HHIRChat in and out.

    python -m stages.chat.convert import hhirchat.json data/chat/hhirchat.parquet
    python -m stages.chat.convert export data/chat/hhirchat.parquet hhirchat.json
    python -m stages.chat.convert make ut_interaction data/ut_interaction/streams/opencv data/chat/ut.parquet

`import` reads the paper's JSON into a table, `export` writes it back, `make` makes such a table of a data set.
With `--media refer` (the default) a sample names its clip and a track, and whoever opens it masks the clip on the fly;
with `--media write` three masked videos are written to `--folder`. Samples that cannot be used are listed, by file, row
and key, and keep a row with their error; the others go on.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stages.base.errors import guard
from stages.base.licence import check_source
from stages.base.params import Declared, read
from stages.base.paths import Run
from stages.chat.make import samples_of
from stages.chat.table import read_rows, read_samples, report, write_chat, write_samples

PARAMS: Declared = {"ingest.{dataset}.licensed": bool}


def main() -> None:
    """Run one of the three commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder that the samples' paths start from")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, source, target in (("import", "JSON", "table"), ("export", "table", "JSON")):
        one = commands.add_parser(name)
        one.add_argument("source", type=Path, help=source)
        one.add_argument("target", type=Path, help=target)
    make = commands.add_parser("make")
    make.add_argument("dataset", help="an ingested data set")
    make.add_argument("source", type=Path, help="folder of its streams")
    make.add_argument("target", type=Path, help="table")
    make.add_argument("--media", choices=["refer", "write"], default="refer")
    make.add_argument("--folder", type=Path, help="where the masked videos go; default: next to the table")
    given = parser.parse_args()
    if given.command == "export":
        samples = read_rows(given.source)
        done = f"{write_chat(given.target, samples)} samples"
    else:
        if given.command == "import":
            samples = read_samples(given.source, given.data)
        else:
            folder = given.folder or given.target.with_suffix("")
            licensed = read(PARAMS, dataset=given.dataset)["ingest.{dataset}.licensed"]
            samples = samples_of(Run(given.dataset), given.data, given.source, given.media, folder)
            if licensed and given.media == "write":
                check_source(given.dataset, folder)  # they are the data set's images still
        write_samples(given.target, samples)
        done = f"{sum(one.error is None for one in samples)} samples"
    if said := report(given.source, samples):
        print(said, file=sys.stderr)
    print(f"{given.target}: {done}")


if __name__ == "__main__":
    guard(main)
