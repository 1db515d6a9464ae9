"""The null models' answers, as table PREDICTIONS: `python -m stages.nulls home`.

null_constant says the same about every clip: the reference caption that is nearest, on average over classes, to those
of the clips that no protocol tests on. null_shuffled says what a model said about a clip of another class.
null_every_class names one keyword of every class. Each is written to data/<run>/predictions/null_<name>.parquet.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from stages.core.errors import InputError, guard
from stages.core.journal import Journal
from stages.core.params import read
from stages.core.paths import Run
from stages.core.progress import closing
from stages.core.schema import PREDICTIONS
from stages.core.tables import read_json, write_table
from stages.nulls.params import PARAMS, NullParams
from stages.nulls.rows import Labelled, constant, labelled, same_text, shuffled
from stages.nulls.sentence import every_class
from stages.text.sentences import KIND, Sentences


def main() -> None:
    """Write the three null models of one run."""
    if len(sys.argv) != 2:
        raise InputError("expected a data set", do="python -m stages.nulls <dataset>")
    run = Run(sys.argv[1])
    params: NullParams = read(PARAMS, dataset=run.name)["nulls.{dataset}"]
    clips: Labelled = labelled(run)
    keywords: Mapping[str, list[str]] = read_json(run.keywords)["classes"]
    with Journal("embed", KIND) as journal:
        sentences = Sentences(params.encoder, journal, progress="nulls, texts")
        chosen = constant(run, clips, sentences)
    named = {name: keywords[name] for name in {label for labels in clips.labels.values() for label in labels}}
    tables = {
        "null_constant": same_text(clips, chosen.text, chosen.detail),
        "null_every_class": same_text(clips, every_class(named), None),
        "null_shuffled": shuffled(run, clips, params),
    }
    for method, rows in tables.items():
        write_table(run.predictions(method), ({"method": method, **row} for row in rows), PREDICTIONS)
    did = f"3 null models of {len(clips.labels)} clips; null_constant says {chosen.text!r}"
    closing(f"nulls {run.name}", did, len(sentences.vectors) - sentences.computed)


if __name__ == "__main__":
    guard(main)
