"""Class -> keywords of a data set: `python -m stages.keywords home stages/keywords/lists/home.yaml`.

Takes the lists from a YAML file of this repository, from the literal in a published notebook, from the labels, or from
a model; checks that every class of the data set has one, and warns of keywords that many classes share. It is the first
cell of a data set that may ask, and so it sets the counts of errors to 0 (`stages/methods/errors.py`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stages.base.errors import InputError, guard
from stages.base.params import read
from stages.base.paths import NONE, Run
from stages.base.progress import closing
from stages.base.tables import write_json
from stages.keywords.asking import PROMPTS, from_model
from stages.keywords.checks import of_classes, warnings
from stages.keywords.files import from_labels, from_notebook, from_yaml
from stages.keywords.params import PARAMS, FileLists, KeywordsParams, LabelLists, NotebookLists
from stages.labels.classes import read_classes
from stages.methods.errors import reset
from stages.vlm.load import load
from stages.vlm.prompts import Prompt


def main() -> None:
    """Write one data set's keywords."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("dataset", help="a file of params/datasets")
    arguments.add_argument("lists", type=Path, help=f"file or notebook of the lists; {NONE} where nothing is read")
    cell = arguments.parse_args()
    dataset: str = cell.dataset
    params: KeywordsParams
    params, asked = read(PARAMS, dataset=dataset).values()
    run = Run(dataset)
    listed = read_classes(run)
    words = listed.words
    if not words:
        raise InputError("no usable clip has a label", file=run.classes, do=f"see {run.metrics / 'audit.json'}")
    known = 0
    if isinstance(params, FileLists):
        source, lists = str(cell.lists), from_yaml(cell.lists, params.version)
    elif isinstance(params, NotebookLists):
        source, lists = str(cell.lists), from_notebook(cell.lists, params.variable)
    elif isinstance(params, LabelLists):
        source, lists = "the labels", from_labels(listed)
    else:
        backend = load(params.model, params.name)
        lists, known = from_model(backend, Prompt(PROMPTS, params.prompt), params.count, words)
        source = f"{params.name} {backend.revision}"
    lists = of_classes(lists, words, source)
    doubts = warnings(lists, params.shared_by)
    for doubt in doubts:
        print(f"keywords {dataset}: warning: {doubt}")
    written = {"version": params.version, "source": source, "classes": lists, "warnings": doubts}
    write_json(run.keywords, written)
    reset(run, asked)
    closing(f"keywords {dataset}", f"{len(lists)} classes, {len(doubts)} warnings, from {source}", known)


if __name__ == "__main__":
    guard(main)
