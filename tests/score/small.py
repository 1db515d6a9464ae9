"""A small run on disk: 3 classes, 4 subjects, three methods, with everything that may go wrong in a value."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from dvc.repo import Repo

from stages.base import params
from stages.base.paths import Run
from stages.base.schema import MANIFEST, MEASURES, SPLITS
from stages.base.tables import write_table
from stages.compare import make as comparison
from stages.methods.records import read_methods
from stages.score.make import Scorer
from stages.score.params import PARAMS as PARAMS_OF_SCORE
from stages.stats.intervals import Level
from tests.class_list import write_class_list
from tests.records import list_methods

RUN = Run("small")
CLASSES = ("cook", "read", "walk")
SUBJECTS = ("s1", "s2", "s3", "s4")
METHODS = ("first", "null_shuffled", "second")

PARAMS: dict[str, Any] = {
    "score": {
        "small": {
            "confidence": 0.95,
            "assumed_icc": 0.1,
            "thresholds": {"similarity": 0.5, "judge": 0.5, "rare": 0.9},
            "only": {"rare": ["few"]},
            "headline": ["cs.similarity.mca", "cs.named.macro_f1", "no.such.mca"],
        }
    },
    "compare": {
        "small": {
            "shuffled": "null_shuffled",
            "sweep": {"metrics": ["similarity"], "steps": 11},
            "confusion": {"method": "first", "protocol": "cs", "metric": "named"},
        }
    },
}


def clips() -> list[dict[str, Any]]:
    """Return manifest rows: 6 clips of each class and subject; the last is broken."""
    rows = [
        {"clip_id": f"{name}_{subject}_{number}", "labels": [name], "subject": subject}
        for name in CLASSES
        for subject in SUBJECTS
        for number in range(6)
    ]
    rows[-1]["error"] = "no video stream"
    return rows


def splits() -> list[dict[str, Any]]:
    """Return split rows: `cs` trains on s1, `loso` has a fold a subject, `few` has a clip of each class and subject."""
    rows = []
    for clip in clips():
        name, subject = clip["clip_id"], clip["subject"]
        rows.append(("cs", "", name, "train" if subject == "s1" else "test"))
        rows += [("loso", fold, name, "test" if fold == subject else "train") for fold in SUBJECTS]
        if name.endswith("_0"):
            rows.append(("few", "", name, "test"))
    return [dict(zip(SPLITS.names, row, strict=True)) for row in rows]


def measures(method: str) -> list[dict[str, Any]]:
    """Return measures: similarity and a named class of all clips, a judge who may give no answer, a rare metric."""
    rng = np.random.default_rng(len(method))
    rows = []
    for repeat in range(3 if method == "null_shuffled" else 1):
        for clip in clips():
            key = {"clip_id": clip["clip_id"], "method": method, "repeat": repeat}
            good = {"first": 0.8, "second": 0.5, "null_shuffled": 0.1}[method]
            right = rng.random() < good
            label = clip["labels"][0] if right else str(rng.choice(CLASSES))
            rows.append({**key, "metric": "similarity", "value": float(right) * 0.5 + 0.4 * rng.random()})
            rows.append({**key, "metric": "named", "value": 0.3, "label": label})
            if clip["clip_id"].endswith("_0"):
                rows.append({**key, "metric": "rare", "value": 0.85 + 0.1 * right})
            if clip["clip_id"].endswith("_1"):
                rows.append({**key, "metric": "judge", "value": None, "detail": "unparsed"})
            elif not clip["clip_id"].endswith("_2"):
                rows.append({**key, "metric": "judge", "value": float(right)})
    return rows


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the run into a fresh DVC repository and go there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    Repo.init(no_scm=True).close()
    write(tmp_path / "params.yaml", PARAMS)
    write_table(RUN.manifest, clips(), MANIFEST)
    write_class_list(RUN)
    write_table(RUN.splits, splits(), SPLITS)
    for method in METHODS:
        write_measures(method, measures(method))
    list_methods(RUN, METHODS)
    return tmp_path


def write(path: Path, values: dict[str, Any]) -> None:
    """Write params, which the next stage reads afresh."""
    path.write_text(yaml.safe_dump(values))
    params.forget()


def write_measures(method: str, rows: list[dict[str, Any]]) -> None:
    """Write a method's measures."""
    write_table(RUN.measures(method) / "measures.parquet", rows, MEASURES)


def shuffle(path: Path, schema: pa.Schema, seed: int) -> None:
    """Write a table's rows in another order."""
    rows = pq.read_table(path).to_pylist()
    random.Random(seed).shuffle(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def run(monkeypatch: pytest.MonkeyPatch, room: str, *arguments: str) -> None:
    """Run a stage in this process, as the command line would."""
    from importlib import import_module

    monkeypatch.setattr(sys, "argv", [room, RUN.name, *arguments])
    params.forget()
    import_module(f"stages.{room}.__main__").main()


def score(monkeypatch: pytest.MonkeyPatch, *methods: str, **listed: Any) -> None:
    """Score some methods of the run, which then has no others; `listed` is what `list_methods` takes."""
    list_methods(RUN, methods, **listed)
    scorer = Scorer(RUN, block("score"))
    for method in read_methods(RUN):
        print(scorer.score(method))


def compare(monkeypatch: pytest.MonkeyPatch, *methods: str, seeds: Path | None = None, **listed: Any) -> None:
    """Compare methods of the run, which then has no others; `seeds` is the folder of what other seeds gave."""
    list_methods(RUN, methods, **listed)
    scoring = block("score")
    level = Level(scoring.confidence, scoring.assumed_icc)
    print(comparison.compare(RUN, read_methods(RUN), seeds, block("compare"), level))


def block(name: str) -> Any:
    """Return a block of the run's params as they are now."""
    params.forget()
    return params.read(PARAMS_OF_SCORE, dataset=RUN.name)[f"{name}.{{dataset}}"]
