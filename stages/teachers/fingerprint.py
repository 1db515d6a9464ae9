"""What a teacher's table from elsewhere must be for: `python -m stages.teachers.fingerprint kitchen regular verb_noun`.

Prints a `teacher.json` to write next to its `signals.parquet` (table SIGNALS): heads with their classes in order, and
the fingerprint that each row has too. A row is needed for each distinct narration (label, clip) of the train part.
"""

from __future__ import annotations

import argparse
import json

from stages.base.errors import guard
from stages.base.paths import Run
from stages.learn.data import read_task
from stages.teachers.heads import heads_of
from stages.teachers.signals import About, lessons


def main() -> None:
    """Print the teacher.json of one protocol."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="an ingested data set")
    parser.add_argument("protocol", help="whose train part is taught")
    parser.add_argument("heads", choices=["label", "verb_noun"])
    parser.add_argument("by", choices=["narration", "label", "clip"], nargs="?", default="clip")
    given = parser.parse_args()
    run = Run(given.dataset)
    task = read_task(run, given.protocol)
    heads = heads_of(run, task, given.heads)
    said = lessons([clip for fold in task.folds for clip in fold.train], heads, given.by, run.manifest)
    print(json.dumps(About.of(given.by, heads, said).model_dump(mode="json"), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    guard(main)
