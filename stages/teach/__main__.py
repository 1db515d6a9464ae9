"""A teacher of video models: `python -m stages.teach kitchen minilm`.

Of kind language it embeds the narration of each train clip, trains linear heads to name the class (Sun et al. 2024,
section 3.2); of kind video it asks a trained model about the train clips. Writes data/<dataset>/models/<name>: a table
of what it says (signals.parquet), whose classes and texts (teacher.json), and a card.
"""

from __future__ import annotations

import argparse

from stages.base.errors import InputError, guard
from stages.base.params import read
from stages.base.paths import Run
from stages.base.progress import closing
from stages.exact.reproducible import hold_arithmetic
from stages.teach.params import PARAMS, Language, Video


def main() -> None:
    """Teach one teacher on one data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a block under `teach` in params.yaml")
    parser.add_argument("name", help="a block under `teach.<dataset>`")
    given = parser.parse_args()
    params: Language | Video = read(PARAMS, **vars(given))["teach.{dataset}.{name}"]
    hold_arithmetic()
    from stages.learn.data import read_task  # torch must not be imported before its arithmetic is held
    from stages.nets.trained import models
    from stages.teach import language, video
    from stages.teachers.heads import heads_of

    run = Run(given.dataset)
    task = read_task(run, params.protocol, False)
    if len(task.folds) > 1:
        raise InputError(
            f"has {len(task.folds)} folds", file=run.splits, key=params.protocol, do="choose a protocol with one fold"
        )
    heads, train = heads_of(run, task, params.heads), task.folds[0].train
    folder = models(run, given.name, "")
    if isinstance(params, Language):
        did = language.teach(given.name, params, train, heads, run.manifest, folder)
    else:
        did = video.teach(given.name, params, train, heads, run.manifest, folder)
    closing(f"teach {given.dataset} {given.name}", did.words, did.spared)


if __name__ == "__main__":
    guard(main)
