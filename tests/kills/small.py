"""A folder for each long stage, with tiny data and all that the stage reads, so that its command line runs there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
import yaml

from stages.pretrain.blank import blank
from tests.adapt import small as adapt
from tests.ingest.clips import write_clip
from tests.pipeline.drill import by_hand, finished, started
from tests.pretrain.test_pretrain import PARAMS as PRETRAIN
from tests.simulate.small import scene
from tests.small_run import KEYWORDS
from tests.small_run import PARAMS as ASKED
from tests.small_run import write_run as write_asked
from tests.tiny_embedded import TINY
from tests.train import small as train

#: Seconds from one checkpoint to the next: a run of seconds would otherwise have none.
EVERY = 0.5
#: As much of each as takes a few seconds longer than the stage's start.
CLIPS = 120
STEPS = 300
EPOCHS = {"swin3d_cs": 60, "ft_lc": 200, "ft_c_lora": 60}


class Stage(NamedTuple):
    """A stage that is killed: its command line, what it needs, and what it does many of."""

    command: str
    arguments: tuple[str, ...]
    prepare: Callable[[Path], None]
    work: str
    """What it does many of."""
    total: int
    """How many."""

    def spared(self, said: str) -> int:
        """Return how much of its work a run found done, by its closing line."""
        (known,) = re.findall(r"; (\d+) from journal", said)
        return int(known)


def _params(folder: Path, values: Mapping[str, Any]) -> None:
    by_hand(folder, dict(values))
    where = {"device": "cpu", "workers": 1, "batch": 4, "checkpoint_seconds": EVERY}
    (folder / "compute.yaml").write_text(yaml.safe_dump(where))


def _embedded(folder: Path, texts: list[str]) -> None:
    """Save the embedded model with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, processor = blank(TINY, texts)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def _ingest(folder: Path) -> None:
    block = {
        "adapter": "smarthome",
        "source": "clips",
        "licensed": False,
        "protocols": {"cs": {"validation": False}},
        "accept_leaks": [],
    }
    _params(folder, {"ingest": {"tiny": block}})
    long = write_clip(folder / "long.mp4", frames=600).read_bytes()
    (folder / "clips").mkdir()
    for number in range(CLIPS):
        name = f"Walk_p{2 + number % 2:02}_r{number:03}_v01_c01.mp4"
        (folder / "clips" / name).write_bytes(long + bytes([number]))


def _pretrain(folder: Path) -> None:
    rendered = scene(clips=8, activities=["Drink_Fromcup", "Walk"], style="pretrain", rooms=2).model_dump(mode="json")
    block = PRETRAIN.model_dump(mode="json") | {"tables": None}
    block["vision"]["steps"] = block["language"]["steps"] = STEPS
    _params(folder, {"simulate": {block["scene"]: rendered}, "pretrain": {"tiny": block}})
    finished(started(folder, block["scene"], command="stages.simulate"))


def _train(folder: Path) -> None:
    method = train.params(recipe={**train.RECIPE, "epochs": EPOCHS["swin3d_cs"]})
    rendered = train.SCENE.model_dump(mode="json")
    _params(folder, {"simulate": {"home": rendered}, **train.values({"swin3d_cs": method})})
    for stage in ("simulate", "ingest"):
        finished(started(folder, "home", command=f"stages.{stage}"))


def _adapt(kind: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        base = Path("embedded")
        recipe = {**adapt.RECIPE, "epochs": EPOCHS[kind], "average": 0.9}
        block = {**adapt.WAYS[kind], "recipe": recipe}
        _params(folder, {"adapt": {"home": {kind: block}}, "vlm": {"tiny": adapt.vlm(base)}})
        adapt.write_run(folder, clips=48 if kind == "ft_lc" else 24)
        _embedded(folder / base, ["A person is walking. What is the person doing?"])

    return prepare


def _infer(folder: Path) -> None:
    model = adapt.vlm(Path("embedded"), max_new_tokens=16)
    values = ASKED | {"vlm": {"tiny": model}}
    _params(folder, values)
    write_asked(folder, clips=CLIPS, values=values)
    _embedded(folder / "embedded", [f"A person is {word}. Yes or No?" for words in KEYWORDS.values() for word in words])


STAGES = {
    "ingest": Stage("ingest", ("tiny",), _ingest, "clips", CLIPS),
    "pretrain": Stage("pretrain", ("tiny",), _pretrain, "steps", 2 * STEPS),
    "train": Stage("train", ("home", "swin3d_cs"), _train, "steps", 3 * EPOCHS["swin3d_cs"]),
    "adapt_head": Stage("adapt", ("home", "tiny", "ft_lc", "cs"), _adapt("ft_lc"), "steps", 6 * EPOCHS["ft_lc"]),
    "adapt_lora": Stage(
        "adapt", ("home", "tiny", "ft_c_lora", "cs"), _adapt("ft_c_lora"), "steps", 4 * EPOCHS["ft_c_lora"]
    ),
    "infer": Stage("infer", ("home", "tiny", "per_class"), _infer, "answers", 3 * 4 * CLIPS // 5),
}
