"""A made-up data set of two people: one of two rectangles moves, and the class says which; and tiny frozen models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from stages.base.paths import Run
from stages.base.schema import MANIFEST, SPLITS, STREAMED, STREAMS
from stages.base.tables import write_table
from stages.base.video.masks import box_of, run_lengths
from stages.interact.model import SLOTS, Interaction
from stages.interact.params import Talking
from stages.pretrain import pose, speaker
from stages.pretrain.blank import blank
from stages.pretrain.params import PoseRecipe, SpeakerRecipe
from tests.base.video.clips import write_clip
from tests.class_list import write_class_list
from tests.tiny_embedded import TINY
from tests.vlm import given

FRAMES, HEIGHT, WIDTH = 6, 48, 64
RED, GREY, ROOM = (220, 30, 30), (120, 130, 140), (60, 80, 60)
CLASSES = ("left kicks right", "right kicks left")
SAID = {"left kicks right": "the left person kicks", "right kicks left": "the right person kicks"}
POSE = PoseRecipe.model_validate(
    {
        "kind": "pose",
        "seed": 0,
        "threads": 1,
        "size": [24, 32],
        "patch": 8,
        "hidden": 16,
        "layers": 2,
        "heads": 2,
        "frames": 2,
        "held": 2,
        "finer": 2,
        "sigma": 0.8,
        "zoom": [0.9, 1.2],
        "shift": 0.1,
        "masked": 0.5,
        "steps": 4,
        "batch": 4,
        "rate": 0.002,
    }
)
SPEAKER = SpeakerRecipe.model_validate(
    {
        "kind": "speaker",
        "seed": 0,
        "threads": 1,
        "hidden": 32,
        "layers": 1,
        "heads": 2,
        "vocabulary": 300,
        "steps": 4,
        "batch": 4,
        "rate": 0.01,
    }
)
RECIPE: dict[str, Any] = {"seed": 0, "threads": 1, "epochs": 3, "batch": 4, "rate": 0.01, "weight_decay": 0.0}
QFORMER = {"layers": 2, "hidden": 16, "heads": 2, "inner": 32, "queries": 4, "dropout": 0.1}
TALKING: dict[str, Any] = {
    "kind": "qformer",
    "dtype": "float32",
    "seeing": {"frames": 4},
    "qformer": QFORMER,
    "longest": [6, 4],
    "recipe": RECIPE,
}
#: Of the streams' features.
WIDTHS = {"p1": 12, "p2": 12, "bg": 10}
NAMING: dict[str, Any] = {"kind": "classifier", "dtype": "float32", "seeing": {"frames": 4}, "recipe": RECIPE}


def drawn(label: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a clip's frames (T, H, W, 3) and both people's masks (2, T, H, W); who kicks is red and moves."""
    rng = np.random.default_rng(seed)
    frames = np.empty((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    frames[:] = np.asarray(ROOM) + rng.integers(-9, 10, (HEIGHT, WIDTH, 3))
    masks = np.zeros((2, FRAMES, HEIGHT, WIDTH), bool)
    acts = CLASSES.index(label)
    for frame in range(FRAMES):
        for person, at in enumerate((10, 40)):
            left = at + (frame if person == acts else 0) + int(rng.integers(3))
            masks[person, frame, 14:40, left : left + 12] = True
            frames[frame][masks[person, frame]] = RED if person == acts else GREY
    return frames, masks


def write_set(root: Path, clips: int = 16, name: str = "two") -> Run:
    """Write a data set below `root` with its streams `truth`; of four clips two train, one validates and one tests."""
    run = Run(name)
    rows, parts, tracks, streamed = [], [], [], []
    for number in range(clips):
        label, clip_id = CLASSES[number % 2], f"clip{number:02}"
        frames, masks = drawn(label, number)
        path = write_clip(Path(f"{run.data}/clips/{clip_id}.mov"), frames)
        rows.append(
            {
                "clip_id": clip_id,
                "path": str(path),
                "md5": f"{number:032x}",
                "labels": [label],
                "frames": FRAMES,
                "subject": str(number % 4),
                "narration": SAID[label],
                "height": HEIGHT,
                "width": WIDTH,
            }
        )
        part = ("train", "train", "validation", "test")[number // 2 % 4]
        parts.append({"protocol": "cs", "fold": "", "clip_id": clip_id, "part": part})
        tracks += track_rows(clip_id, masks)
        streamed.append({"clip_id": clip_id, "people": 2, "why": "there are two"})
    write_table(run.manifest, rows, MANIFEST)
    write_table(run.splits, parts, SPLITS)
    write_class_list(run)
    write_table(run.streams("truth") / "tracks.parquet", tracks, STREAMS)
    write_table(run.streams("truth") / "clips.parquet", streamed, STREAMED)
    return run


def track_rows(clip_id: str, masks: np.ndarray) -> list[dict[str, Any]]:
    """Return the rows of STREAMS of people's masks (P, T, H, W)."""
    return [
        {
            "clip_id": clip_id,
            "track": track,
            "frame": frame,
            "box": list(box),
            "mask": run_lengths(mask).tolist(),
            "score": 1.0,
        }
        for track, of_person in enumerate(masks, 1)
        for frame, mask in enumerate(of_person)
        if (box := box_of(mask)) is not None
    ]


def write_models(root: Path) -> None:
    """Save tiny frozen models with random weights below `root`: pose, speaker, and embedded, a VLM."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for made, name in ((pose.blank(POSE), "pose"), (speaker.blank(SPEAKER), "speaker")):
            for part in made:
                part.save_pretrained(root / name)
        vlm = blank(TINY, [*SAID.values(), *CLASSES])
        vlm.model.save_pretrained(root / "embedded")
        vlm.processor.save_pretrained(root / "embedded")


def block(name: str, **differs: Any) -> dict[str, Any]:
    """Return the block of a tiny language model."""
    return given.block(f"data/models/{name}", **({"attention": "eager"} | differs))


def values(**recipes: dict[str, Any]) -> dict[str, Any]:
    """Return params.yaml with these recipes."""
    pose_block = {"backend": "encoder", "name": "data/models/pose", "revision": None}
    models = {"speaker": block("speaker"), "embedded": block("embedded"), "pose": pose_block}
    return {"recipes": recipes, "vlm": models | {"none": {"backend": "none"}}}


def interaction(dtype: torch.dtype = torch.float32, **changed: Any) -> Interaction:
    """Return the learnt half before a tiny language model, with random weights."""
    torch.manual_seed(0)
    language, _ = speaker.blank(SPEAKER)
    return Interaction(Talking.model_validate(TALKING | changed), WIDTHS, language.to(dtype)).to(dtype)


def inputs_of_clips(batch: int = 2, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    """Return inputs of clips whose conversations are 16 and 14 tokens long."""
    draw = torch.Generator().manual_seed(1)
    features = {name: torch.randn(batch, 4, 5, width, generator=draw, dtype=dtype) for name, width in WIDTHS.items()}
    seen = {name: torch.ones(batch, 4, dtype=torch.bool) for name in WIDTHS}
    ids = torch.randint(10, 200, (batch, 22), generator=draw)
    for place, name in enumerate(WIDTHS):
        ids[:, 1 + 4 * place : 5 + 4 * place] = SLOTS[name]
    turns = torch.zeros_like(ids)
    turns[:, 14:17] = 1
    turns[:, 19:22] = 2
    turns[1:, 21:] = 0
    return {"features": features, "seen": seen, "ids": ids, "turns": turns}
