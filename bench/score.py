"""Time of scoring and of the comparison at the size of the published results, and of our intervals beside a peer.

    python -m bench.score

Seven methods, six protocols, five metrics, 16,299 clips (the real CS test part three times over, values at random);
each stage is a process of its own, as under `dvc repro`. The peer is the bootstrap over subjects with scikit-learn.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import yaml
from dvc.repo import Repo
from sklearn.metrics import balanced_accuracy_score

from bench.worlds import table
from stages.base.paths import NONE, NULLS, Run
from stages.base.schema import MANIFEST, MEASURES, SPLITS
from stages.base.tables import write_table
from stages.methods.records import Method, write_methods
from stages.score.aggregate import aggregates
from stages.stats.design import Design
from stages.stats.intervals import Level
from tests.class_list import write_class_list

RUN = Run("published")
METHODS = ["a", "b", "c", "d", *NULLS]
DRAWS = 4
THRESHOLDS = {"keyword": 0.5, "keyword_word": 0.5, "similarity": 0.5, "bertscore": 0.9}
PARAMS: dict[str, Any] = {
    "score": {
        RUN.name: {
            "confidence": 0.95,
            "assumed_icc": 0.1,
            "thresholds": THRESHOLDS,
            "only": {"bertscore": ["phase1"]},
            "headline": ["cs.similarity.mca"],
        }
    },
    "compare": {
        RUN.name: {
            "sweep": {"metrics": ["similarity", "bertscore"], "steps": 101},
            "confusion": {"method": "a", "protocol": "cs", "metric": "nearest_class"},
        }
    },
}


def clips() -> pl.DataFrame:
    """Return clip_id, label and subject of each clip."""
    counts = table("cs").astype(int)
    rows = [
        (f"{c:02d}", f"{part}{s}")
        for part in range(3)
        for c, s in np.ndindex(*counts.shape)
        for _ in range(counts[c, s])
    ]
    frame = pl.DataFrame(rows, schema=["label", "subject"], orient="row")
    return frame.with_row_index("n").select(pl.format("clip{}", pl.col("n")).alias("clip_id"), "label", "subject")


def write_run(known: pl.DataFrame, rng: np.random.Generator) -> None:
    """Write the run's tables and params into the working folder."""
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))
    void = {field.name: None for field in MANIFEST}
    rows = [{**void, "clip_id": clip, "labels": [label], "subject": subject} for clip, label, subject in known.rows()]
    write_table(RUN.manifest, rows, MANIFEST)
    write_class_list(RUN)
    third = known.filter(pl.col("subject").str.starts_with("2"))
    tests = {"cs": third, "cs_published": third, "cv1": third[::3], "cv2": third[::3], "cv1_published": third[::3]}
    tests["phase1"] = known.filter(pl.int_range(pl.len()).over("label") < 10)
    parts = [
        part.select("clip_id", protocol=pl.lit(name), fold=pl.lit(""), part=pl.lit("test"))
        for name, part in tests.items()
    ]
    write_table(RUN.splits, pl.concat(parts), SPLITS)
    write_methods(RUN, [Method(name, name, "null" if name in NULLS else "asked", "all") for name in METHODS])
    for method in METHODS:
        draws = DRAWS if method == "null_shuffled" else 1
        parts = [measured(known, method, draw, rng) for draw in range(draws)]
        rows = pl.concat(parts)
        of_sets = [pl.lit(None).alias(field.name) for field in MEASURES if field.name not in rows.columns]
        write_table(RUN.measures(method) / "measures.parquet", rows.with_columns(of_sets), MEASURES)


def measured(known: pl.DataFrame, method: str, draw: int, rng: np.random.Generator) -> pl.DataFrame:
    """Return random values of all metrics."""
    label = known["label"].to_numpy()
    frames = []
    for metric in (*THRESHOLDS, "nearest_class"):
        value = rng.random(len(known))
        if metric.startswith("keyword"):
            value = np.round(value)
        named = np.where(value > 0.5, label, rng.permutation(label)).tolist()
        if metric in THRESHOLDS:
            named = [None] * len(known)
        frames.append(
            known.select(
                "clip_id",
                pl.lit(method).alias("method"),
                pl.lit(draw, dtype=pl.Int32).alias("repeat"),
                pl.lit(metric).alias("metric"),
                pl.Series("value", value),
                pl.Series("label", named, dtype=pl.String),
                pl.lit(None, dtype=pl.String).alias("detail"),
            )
        )
    return pl.concat(frames)


class Seconds(NamedTuple):
    """What a stage took."""

    wall: float
    cpu: float


def timed(*command: str) -> Seconds:
    """Return the seconds of a stage in a process of its own."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", *command], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Seconds(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def against_bootstrap(known: pl.DataFrame, rng: np.random.Generator, resamples: int = 100) -> tuple[float, float]:
    """Return the seconds of our mca, accuracy, macro-F1 and per-class intervals, and of the bootstrap's mca alone."""
    third = known.filter(pl.col("subject").str.starts_with("2"))
    label, subject = third["label"].to_numpy(), third["subject"].to_numpy()
    named = np.where(rng.random(len(label)) < 0.5, label, rng.permutation(label))
    start = time.perf_counter()
    design = Design.of(label.tolist(), subject.tolist())
    codes = np.searchsorted(design.classes, named)
    list(aggregates(design, (named == label)[None].astype(float), codes[None], Level(0.95, 0.1)))
    ours = time.perf_counter() - start
    warnings.filterwarnings("ignore", message="y_pred contains classes")
    start = time.perf_counter()
    places = [np.flatnonzero(subject == name) for name in np.unique(subject)]
    for _ in range(resamples):
        chosen = np.concatenate([places[index] for index in rng.integers(len(places), size=len(places))])
        balanced_accuracy_score(design.of_class[chosen], codes[chosen])
    return ours, (time.perf_counter() - start) * 1000 / resamples


def main() -> None:
    """Print the figures."""
    rng, known = np.random.default_rng(0), clips()
    os.environ["PYTHONPATH"] = str(Path.cwd())
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Repo.init(no_scm=True).close()
        write_run(known, rng)
        took = timed("stages.score", RUN.name, NONE)
        os.chdir("/")
    print(f"score: {took.wall:.1f} s, of which {took.cpu:.1f} s on a processor")
    print(f"peak memory of a stage: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB")
    ours, peer = against_bootstrap(known, rng)
    print(
        f"intervals of one metric and protocol: ours, all aggregates, {1000 * ours:.0f} ms; 1000 draws of the "
        f"bootstrap, mca alone, {1000 * peer:.0f} ms; ratio {peer / ours:.0f}"
    )


if __name__ == "__main__":
    main()
