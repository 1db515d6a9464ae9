"""A run of a few clips whose classes are told by colour, in keyframes; and cells on it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stages.base.paths import Run
from stages.base.schema import CAPTIONS, KEYFRAMES, MANIFEST, SPLITS
from stages.base.tables import write_json, write_table
from stages.base.video.keyframe_table import INDEX, shard_name
from stages.base.video.sample import encoded
from tests.class_list import write_class_list
from tests.vlm.given import block

#: What each class paints into a part of the frame; a clip may have both.
PAINT = {"Drink": (slice(0, 32), (220, 30, 30)), "Walk": (slice(32, 64), (30, 30, 220))}
SAID = {"Drink": "A person is drinking.", "Walk": "A person is walking."}
RECIPE = {"seed": 0, "threads": 1, "epochs": 6, "batch": 4, "rate": 0.01, "weight_decay": 0.0}
LORA = {"rank": 4, "alpha": 8, "dropout": 0.1, "targets": ["q_proj", "v_proj"], "parts": ["language"]}
WAYS: dict[str, dict[str, Any]] = {
    "ft_lc": {"kind": "ft_lc", "prompt": "describe", "recipe": RECIPE},
    "ft_c_lora": {
        "kind": "ft_c_lora",
        "prompt": "describe",
        "recipe": RECIPE,
        "lora": LORA,
        "augmentation": {"flip": True, "brightness": 0.2},
    },
    "captions": {"kind": "captions", "prompt": "describe", "recipe": RECIPE, "lora": LORA, "augmentation": {}},
}


def vlm(base: Path, **differs: Any) -> dict[str, Any]:
    """Return the block of a tiny model."""
    return block(base, **({"attention": "eager" if base.name == "embedded" else "sdpa"} | differs))


def write_run(root: Path, clips: int = 24, many: bool = False, folds: int = 1, short: tuple[int, ...] = (3,)) -> Run:
    """Write a run; of four clips two train, one validates and one tests. `short` have one keyframe, not two."""
    run, here = Run("home"), Path.cwd()
    names = sorted(PAINT)
    rows, parts, frames, captions = [], [], [], []
    for number in range(clips):
        clip_id = f"clip{number:03}"
        labels = [name for bit, name in enumerate(names) if number >> bit & 1] if many else [names[number % 2]]
        rows.append(
            {
                "clip_id": clip_id,
                "path": f"data/home/clips/{clip_id}.mp4",
                "md5": f"{number:032x}",
                "labels": labels,
                "frames": 8,
                "duration": 1.0,
                "subject": str(number % 4),
            }
        )
        for fold in range(folds):
            part = ("train", "train", "validation", "test")[(number // 4 + fold) % 4]
            parts.append({"protocol": "cs", "fold": str(fold) if folds > 1 else "", "clip_id": clip_id, "part": part})
        for rank in range(1 if number in short else 2):
            image = np.random.default_rng([number, rank]).integers(90, 130, (48, 64, 3)).astype(np.uint8)
            for label in labels:
                columns, colour = PAINT[label]
                image[8:40, columns] = np.asarray(colour) + rank
            frames.append(
                {
                    "clip_id": clip_id,
                    "rank": rank,
                    "frame": 4 * rank,
                    "time": rank / 2,
                    "image": {"bytes": encoded(image, "png", 0), "path": None},
                }
            )
        captions.append({"clip_id": clip_id, "text": " ".join(SAID[label] for label in labels) or None})
    os.chdir(root)
    try:
        write_table(run.manifest, rows, MANIFEST)
        write_class_list(run, "multi" if many else "single")
        write_table(run.splits, parts, SPLITS)
        write_table(run.captions, captions, CAPTIONS)
        run.keyframes.mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(frames, KEYFRAMES), run.keyframes / shard_name(0), row_group_size=8)
        write_json(run.keyframes / INDEX, {"shards": [shard_name(0)]})
    finally:
        os.chdir(here)
    return run
