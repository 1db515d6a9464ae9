"""A small multi-label run on disk: 8 recordings of 20 windows, two methods and a null model with three draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stages.base.schema import MANIFEST, SPLITS
from stages.base.tables import write_table
from tests.class_list import write_class_list
from tests.records import list_methods
from tests.score.small import RUN, write, write_measures

CLASSES = ["baby", "suction", "ventilation"]
METHODS = ("good", "null_shuffled", "poor")
RULES = {"requires": {"suction": ["baby"], "ventilation": ["baby"]}, "excludes": [["suction", "ventilation"]]}
SETS = {"thresholds": {"default": "own"}, "rules": RULES}
PARAMS: dict[str, Any] = {
    "score": {
        "small": {
            "confidence": 0.95,
            "assumed_icc": 0.1,
            "thresholds": {"similarity": 0.5},
            "only": {},
            "sets": SETS,
            "headline": ["new.labels.macro_f1", "new.labels.f1:suction"],
        }
    },
    "compare": {
        "small": {
            "shuffled": "null_shuffled",
            "sweep": {"metrics": [], "steps": 2},
            "confusion": None,
        },
    },
}


def windows() -> list[dict[str, Any]]:
    """Return manifest rows; recording r0 validates, r1 and r2 train, the others test. The last is broken."""
    rng = np.random.default_rng(0)
    rows = []
    for recording in range(8):
        for place in range(20):
            kind = rng.choice(5, p=[0.15, 0.25, 0.2, 0.25, 0.15])
            labels = [[], ["baby"], ["baby", "suction"], ["baby", "ventilation"], ["baby"]][kind]
            row = {"clip_id": f"r{recording}_{place:02d}", "labels": labels, "subject": "one", "group": f"r{recording}"}
            rows.append(row | {"start": float(place), "end": place + 2.0})
    rows[-1]["error"] = "labels break a rule"
    return rows


def splits(**changed: str) -> list[dict[str, Any]]:
    """Return split rows of protocol `new`; `changed` maps a recording to another part."""
    parts = {"r0": "validation", "r1": "train", "r2": "train", **changed}
    rows = [("new", "", row["clip_id"], parts.get(row["group"], "test")) for row in windows()]
    return [dict(zip(SPLITS.names, row, strict=True)) for row in rows]


def scores(method: str, repeat: int = 0) -> np.ndarray:
    """Return class scores (N, C): `good` is right most of the time above 0.3, not 0.5."""
    rng = np.random.default_rng([len(method), repeat])
    actual = np.array([[name in row["labels"] for name in CLASSES] for row in windows()])
    skill = {"good": 3.0, "poor": 0.8, "null_shuffled": 0.0}[method]
    shift = -0.85 if method == "good" else 0.0
    return 1 / (1 + np.exp(-(skill * (2 * actual - 1) + rng.normal(size=actual.shape) + shift)))


def measures(method: str) -> list[dict[str, Any]]:
    """Return measures of metric `labels`."""
    rows = []
    for repeat in range(3 if method == "null_shuffled" else 1):
        for row, score in zip(windows(), scores(method, repeat), strict=True):
            named = [name for name, value in zip(CLASSES, score, strict=True) if value > 0.5]
            about = {"clip_id": row["clip_id"], "method": method, "repeat": repeat, "metric": "labels", "value": 1.0}
            rows.append(about | {"labels": named, "classes": CLASSES, "class_scores": score.tolist()})
    return rows


def write_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Write the run into a fresh DVC repository and go there."""
    from dvc.repo import Repo

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    Repo.init(no_scm=True).close()
    write(tmp_path / "params.yaml", PARAMS)
    write_table(RUN.manifest, windows(), MANIFEST)
    write_class_list(RUN, "multi")
    write_table(RUN.splits, splits(), SPLITS)
    for method in METHODS:
        write_measures(method, measures(method))
    list_methods(RUN, METHODS)


@pytest.fixture
def table(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The run, and the folder that it is in."""
    write_run(monkeypatch, tmp_path)
    return tmp_path
