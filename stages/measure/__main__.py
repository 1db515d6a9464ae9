"""Measure every method's answers, clip by clip, before any threshold.

    python -m stages.measure home embedded data/home/truth.parquet

Reads manifest, splits, keywords, reference captions and the methods' predictions; writes data/<run>/measures: the list
of methods, and of each <method>/measures.parquet (table MEASURES: a row a clip, repeat and metric) with
embeddings.parquet (table EMBEDDINGS: the texts that it embedded, from which a clone without a journal starts).
"""

from __future__ import annotations

import argparse

from stages.base.errors import guard
from stages.base.params import read
from stages.base.paths import Run, given
from stages.base.progress import closing
from stages.base.schema import CAPTIONS
from stages.base.tables import read_table
from stages.labels.classes import read_classes
from stages.measure.make import check, dry, measure
from stages.measure.params import PARAMS
from stages.methods.records import methods_of, write_methods
from stages.metrics.context import Context
from stages.vlm.unanswered import count_errors


def main() -> None:
    """Measure the methods of the data set that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a file of params/datasets")
    parser.add_argument("judge", help="a file of params/models; none: nothing is judged")
    parser.add_argument("truth", help="table TRUTH of rendered clips; data/none where there is none")
    parser.add_argument("--dry", action="store_true", help="ask nothing, write nothing: say what would be asked")
    cell = parser.parse_args()
    params, judge, records = read(PARAMS, dataset=cell.dataset, judge=cell.judge).values()
    run, truth = Run(cell.dataset), given(cell.truth)
    check(run, params, truth)
    told = truth is not None and len(read_table(run.captions, CAPTIONS)) > 0
    methods = methods_of(run, records, read_classes(run).many, told)
    texts = computed = errors = 0
    for method in (one.name for one in methods):
        judging = None if judge.backend == "none" else judge
        with Context(run, method, params, judging, truth, cell.judge) as context:
            if cell.dry:
                print("\n  ".join([f"measure {run.name} {method}, dry", *dry(context)]))
                continue
            did = measure(context)
        texts, computed, errors = texts + did.texts, computed + did.computed, errors + context.errors
        print(f"measure {run.name} {method}: {did.words}")
    if not cell.dry:
        write_methods(run, methods)
        done = f"{len(methods)} methods; {computed} of {texts} texts embedded"
        then = count_errors(run, errors, "measure")
        closing(f"measure {run.name}", done, texts - computed, then=then)


if __name__ == "__main__":
    guard(main)
