"""A run of a few clips on disk, with all that `caption`, `infer` and `judge` read; and these stages run on it."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from dvc.repo import Repo

from stages.base import params
from stages.base.paths import Run
from stages.base.schema import KEYFRAMES, MANIFEST, SPLITS
from stages.base.tables import read_table, write_json, write_table
from stages.base.video.keyframe_table import INDEX, shard_name
from stages.base.video.sample import encoded
from stages.labels.classes import Labels
from stages.labels.words import in_words
from tests.class_list import write_class_list
from tests.conftest import ROOT
from tests.fake_vlm import Guesser

KEYWORDS = {"Cook_Cut": ["cut", "chop"], "Drink_Fromcup": ["drink", "cup"], "Walk": ["walk", "stroll"]}
#: The module of each stage that loads its models.
LOADS = {"caption": "stages.caption.__main__", "infer": "stages.infer.method", "measure": "stages.metrics.judge"}
MODEL = {
    "backend": "local",
    "name": "nowhere/guesser",
    "revision": "1",
    "media": "images",
    "frames": 2,
    "processor": {},
    "dtype": "float32",
    "quantisation": None,
    "attention": "sdpa",
    "max_new_tokens": 16,
    "temperature": 0,
    "seed": 0,
}
PARAMS = {
    "caption": {"home": {"attempts": 3, "ask": "ask", "insist": "insist", "gate": True}},
    "infer": {"home": {"parts": ["test"], "errors": 0.5}},  # of a few clips one is many
    "strategies": {
        "describe": {"kind": "describe", "prompt": "describe"},
        "list": {"kind": "list", "prompt": "list", "weigh": False},
        "per_class": {"kind": "per_class", "prompt": "per_class"},
        "judge": {"kind": "judge", "prompt": "describe", "question": "judge", "text_model": None},
    },
    "vlm": {"guess": MODEL},
}


def write_run(
    root: Path, clips: int = 12, labels: list[list[str]] | None = None, values: Any = PARAMS, kind: Labels = "single"
) -> Run:
    """Write a run of `clips` clips, two of three in the test part, and one more that is unusable."""
    run, names = Run("home"), sorted(KEYWORDS)
    place = Path.cwd()
    os.chdir(root)
    try:
        rows, parts, frames = [], [], []
        for number in range(clips):
            clip_id = f"clip{number:05}"
            label = labels[number] if labels else [names[number % 3]]
            rows.append({"clip_id": clip_id, "labels": label, "frames": 8, "duration": 1.0, "subject": str(number % 6)})
            parts.append(
                {"protocol": "cs", "fold": "", "clip_id": clip_id, "part": ("test", "test", "train")[number % 5 % 3]}
            )
            for rank in range(2):
                image = np.random.default_rng([number, rank]).integers(0, 256, (24, 32, 3)).astype(np.uint8)
                frames.append(
                    {
                        "clip_id": clip_id,
                        "rank": rank,
                        "frame": 4 * rank,
                        "time": rank / 2,
                        "image": {"bytes": encoded(image, "png", 0), "path": None},
                    }
                )
        rows.append({"clip_id": "broken", "labels": ["Walk"], "error": "the file is empty"})
        write_table(run.manifest, rows, MANIFEST)
        write_class_list(run, kind)
        write_table(run.splits, [*parts, {"protocol": "cs", "fold": "", "clip_id": "broken", "part": "test"}], SPLITS)
        run.keyframes.mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(frames, KEYFRAMES), run.keyframes / shard_name(0), row_group_size=8)
        write_json(run.keyframes / INDEX, {"shards": [shard_name(0)]})
        write_json(run.keywords, {"version": "test", "classes": KEYWORDS})
        if not Path(".dvc").exists():
            Repo.init(no_scm=True).close()
        Path("params.yaml").write_text(yaml.safe_dump(values))
    finally:
        os.chdir(place)
    return run


def truth(run: Run) -> dict[str, str]:
    """Return what each clip of the run in the working directory shows, in words."""
    manifest = read_table(run.manifest, MANIFEST)
    return {row["clip_id"]: in_words(row["labels"][0]) for row in manifest.iter_rows(named=True) if row["labels"]}


def guessing(stage: str, arguments: Sequence[str], **guesser: Any) -> Guesser:
    """Run `python -m stages.<stage>` in the working directory over a `Guesser` with these arguments; return it."""
    module: Any = importlib.import_module(f"stages.{stage}.__main__")
    model = Guesser(truth(Run(arguments[0])), **guesser)
    params.forget()
    loads: Any = importlib.import_module(LOADS[stage])
    with mock.patch.object(loads, "load", return_value=model), mock.patch.object(sys, "argv", ["", *arguments]):
        module.main()
    return model


def start(stage: str, root: Path, *arguments: str, **guesser: float) -> subprocess.Popen[str]:
    """Start the same in a process of its own, whose journal is in `root`."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HAR_JOURNAL": str(root / ".journal")}
    command = [sys.executable, "-m", "tests.run_guessing", stage, json.dumps(guesser), *arguments]
    return subprocess.Popen(command, cwd=root, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def kill_after(process: subprocess.Popen[str], journal: Path, answers: int) -> int:
    """Kill a process (SIGKILL) once its journal has some answers; return how many it has then."""

    def count() -> int:
        return sum(len(file.read_bytes().splitlines()) for file in journal.glob("*.jsonl"))

    while count() < answers:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    process.kill()
    process.communicate()
    return count()
