"""Stages that learn in no time, for a project whose graph has the shape of the real one: `python -m stages.stub`.

What is learnt is the seed; what it scores follows from the seeds of the model and of what that was made from. Each run
appends a line to `ran.log` beside the journal; a file `slow` there makes training wait until it is gone.
"""

import os
import sys
import time
from pathlib import Path

import yaml

from stages.base.schema import SCORES, VERDICTS
from stages.base.tables import write_json, write_table


def note(*words: str) -> None:
    journal = Path(os.environ["HAR_JOURNAL"])
    journal.mkdir(exist_ok=True)
    with (journal / "ran.log").open("a") as log:
        log.write(" ".join([*words, Path.cwd().name]) + "\n")
    while (journal / "slow").exists() and words[0] in ("train", "adapt"):
        time.sleep(0.05)


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def main() -> None:
    kind, *words = sys.argv[1:]
    params = yaml.safe_load(Path("params.yaml").read_text())
    note(kind, *words)
    if kind == "ingest":
        for name in ("clips/a", "manifest.parquet", "splits.parquet", "keyframes/a"):
            write(f"data/home/{name}", name)
        write_json(Path("metrics/home/audit.json"), {"clips": 1})
    elif kind == "pretrain":
        write("data/models/embedded/weights", str(params["pretrain"]["embedded"]["seed"]))
    elif kind == "infer":
        write(f"data/home/predictions/{words[0]}.parquet", Path("data/models/embedded/weights").read_text())
    elif kind == "null":
        write(f"data/home/predictions/{words[0]}.parquet", "0")
    elif kind in ("train", "adapt"):
        method, block = words[0], words[1]
        base = Path("data/models/embedded/weights").read_text() if kind == "adapt" else "0"
        learnt = str(10 * int(base) + params[kind]["home"][block]["recipe"]["seed"])
        write(f"data/home/models/{method}/weights", learnt)
        write(f"data/home/predictions/{method}.parquet", learnt)
    elif kind == "score":
        learnt = int(Path(f"data/home/predictions/{words[0]}.parquet").read_text())
        row = {"method": words[0], "protocol": "cs", "metric": "answer", "low": 0.0}
        found = {"mca": learnt / 100 + 1 / 3, "class:Walk": 0.5, "mca_sd": 0.1, "accuracy": 0.25}
        write_table(
            Path(f"data/home/scores/{words[0]}.parquet"),
            [{**row, "aggregate": name, "value": value} for name, value in found.items()],
            SCORES,
        )
        verdict = {"method": words[0], "metric": "answer", "label": "Walk", "repeats": 1}
        write_table(
            Path(f"data/home/verdicts/{words[0]}.parquet"),
            [{**verdict, "clip_id": clip, "right": right} for clip, right in (("a", float(learnt % 2)), ("b", None))],
            VERDICTS,
        )
        write_json(Path(f"metrics/home/{words[0]}.json"), found)


if __name__ == "__main__":
    main()
