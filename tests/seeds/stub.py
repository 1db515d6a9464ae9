"""Stages that learn in no time, for a project whose graph is the real one: `python -m stages.stub train`.

What is learnt is the seed; what it scores follows from the seeds of the model and of what that was made from. Each run
appends a line to `ran.log` beside the journal; a file `slow` there makes training wait until it is gone.

A test starts it hundreds of times, so that only what writes tables imports what tables need.
"""

import os
import sys
import time
from pathlib import Path

import yaml

from stages.base.names import take_arguments
from stages.base.paths import Run

RUN = Run("home")
METHODS = [
    ("embedded_list", "list", "asked", "all"),
    ("net_cs", "net", "learnt", "cs"),
    ("embedded_head_cs", "head", "learnt", "cs"),
    ("null_constant", "null", "null", "all"),
]


def note(*words: str) -> None:
    journal = Path(os.environ["HAR_JOURNAL"])
    journal.mkdir(exist_ok=True)
    with (journal / "ran.log").open("a") as log:
        log.write(" ".join([*words, Path.cwd().name]) + "\n")
    while (journal / "slow").exists() and words[0] in ("train", "adapt"):
        time.sleep(0.05)


def write(path: Path | str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def recipe(name: str) -> dict:
    return yaml.safe_load(Path(f"params/recipes/{name}.yaml").read_text())


def main() -> None:
    take_arguments()
    kind, *words = sys.argv[1:]
    note(kind, *words)
    base = Path("data/models/embedded/weights")
    if kind == "ingest":
        from stages.base.schema import MANIFEST
        from stages.base.tables import write_table

        write_table(RUN.manifest, [{"clip_id": clip, "labels": ["Walk"]} for clip in "ab"], MANIFEST)
        for name in ("splits.parquet", "classes.json"):
            write(RUN.data / name, name)
        write(RUN.metrics / "audit.json", '{"clips": 1}\n')
    elif kind == "keyframes":
        write(RUN.keyframes / "a", "a")
    elif kind == "pretrain":
        write(base, str(recipe(words[1])["seed"]))
    elif kind == "infer":
        write(RUN.predictions(words[1]), base.read_text())
    elif kind == "nulls":
        write(RUN.predictions("null_constant"), "0")
    elif kind in ("train", "adapt"):
        method, block = words[1], words[-2]
        learnt = str(10 * int(base.read_text() if kind == "adapt" else 0) + recipe(block)["recipe"]["seed"])
        write(RUN.data / f"models/{method}/weights", learnt)
        write(RUN.data / f"curves/{method}/loss.tsv", learnt)
        write(RUN.predictions(method), learnt)
    elif kind == "measure":
        from stages.methods.records import Method, write_methods

        methods = [Method(*one) for one in METHODS]
        for one in methods:
            write(RUN.measures(one.name) / "measures", RUN.predictions(one.name).read_text())
        write_methods(RUN, methods)
    elif kind == "score":
        from stages.methods.records import read_methods

        for one in read_methods(RUN):
            score(one.name, int((RUN.measures(one.name) / "measures").read_text()))


def score(method: str, learnt: int) -> None:
    from stages.base.schema import SCORES, VERDICTS
    from stages.base.tables import write_json, write_table

    row = {"method": method, "protocol": "cs", "metric": "answer", "low": 0.0}
    found = {"mca": learnt / 100 + 1 / 3, "class:Walk": 0.5, "mca_sd": 0.1, "accuracy": 0.25}
    rows = [{**row, "aggregate": name, "value": value} for name, value in found.items()]
    write_table(RUN.scores(method), rows, SCORES)
    verdict = {"method": method, "metric": "answer", "label": "Walk", "repeats": 1}
    write_table(
        RUN.verdicts(method),
        [{**verdict, "clip_id": clip, "right": right} for clip, right in (("a", float(learnt % 2)), ("b", None))],
        VERDICTS,
    )
    write_json(RUN.headlines(method), found)


if __name__ == "__main__":
    main()
