"""A small ViTPose from random weights on the joints of rendered people (Xu et al. 2022; transformers' classes).

Mean squared error to heatmaps, which transformers' own model does not compute (it refuses labels).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation, VitPoseImageProcessor

from stages.base.progress import Progress
from stages.base.tables import write_text
from stages.pretrain.card import pose_card
from stages.pretrain.frames import JOINTS
from stages.pretrain.keeping import Keeper, run_key
from stages.pretrain.params import PoseParams, PoseRecipe
from stages.pretrain.pose_clips import People, read_people
from stages.pretrain.pose_crops import cut, drawn, heatmaps, windows
from stages.pretrain.schedule import Optimiser
from stages.weights.halved import half, round_to_half

#: The name of the training in what is kept of an unfinished run.
PHASE = "pose"
#: A joint is found where it lies within this share of the longer side of its person's box.
NEAR = (0.1, 0.2)


class Posed(NamedTuple):
    """A trained pose model: its size, the shares of held-out joints found within each of `NEAR`, steps of before."""

    weights: int
    found: tuple[float, ...]
    cached: int

    @property
    def words(self) -> str:
        """What was learnt, in words."""
        near = ", ".join(f"{share:.1%} within {near}" for share, near in zip(self.found, NEAR, strict=True))
        return f"of the joints of other subjects {near}"


def make(params: PoseParams, data: Path, folder: Path, every: float = 30.0) -> Posed:
    """Train a pose model on a rendered scene below `data` and save it into `folder`, as `save_pretrained` does.

    Raises:
        InputError: see `read_people`.
    """
    torch.set_num_threads(params.threads)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    learnt, held = read_people(data / params.scene, params.frames, params.held)
    torch.manual_seed(params.seed)
    model, processor = blank(params)
    keeper = Keeper(run_key(params, learnt), every)
    cached = keeper.steps(PHASE)
    with Progress("pretrain, pose, steps", params.steps, cached) as progress:
        train(model, processor, learnt, params, keeper, progress.advance)
    round_to_half(model)
    found = score(model, processor, held, params.size)
    count = sum(parameter.numel() for parameter in model.parameters())
    weights = {name: half(value) for name, value in model.state_dict().items()}
    model.save_pretrained(folder, state_dict=weights)
    processor.save_pretrained(folder)
    write_text(folder / "README.md", pose_card(params, len(learnt), len(held), found))
    keeper.finish()
    return Posed(count, found, cached)


def blank(recipe: PoseRecipe) -> tuple[Any, Any]:
    """Return the untrained model, its weights drawn from torch's generator, and its image processor."""
    width, height = recipe.size
    backbone = VitPoseBackboneConfig(
        image_size=[height, width],
        patch_size=[recipe.patch, recipe.patch],
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
    )
    backbone.set_output_features_output_indices(out_features=None, out_indices=[recipe.layers])
    config = VitPoseConfig(backbone_config=backbone, scale_factor=recipe.finer)
    config.num_labels = JOINTS
    model: Any = VitPoseForPoseEstimation(config)
    return model, VitPoseImageProcessor(size={"height": height, "width": width})


def train(
    model: Any, processor: Any, people: People, recipe: PoseRecipe, keeper: Keeper, advance: Any = lambda _: None
) -> None:
    """Train a model; it goes on where `keeper` has it."""
    model.train()
    optimiser = Optimiser(model.parameters(), recipe)
    draw = torch.Generator().manual_seed(recipe.seed)
    known = keeper.recall(PHASE, model, optimiser=optimiser)
    if known is not None:
        draw.set_state(known["draw"])
    for step in range(keeper.steps(PHASE), recipe.steps):
        picked = torch.randint(len(people), (recipe.batch,), generator=draw)
        crops = drawn(people, picked, recipe, draw)
        said = model(normalised(crops.pixels, processor)).heatmaps
        optimiser.step(loss_of(said, crops.joints, recipe))
        advance(1)
        keeper.keep(PHASE, step + 1, model, {"draw": draw.get_state()}, optimiser=optimiser)
    model.eval()


def loss_of(said: torch.Tensor, joints: torch.Tensor, recipe: PoseRecipe) -> torch.Tensor:
    """Return the mean over the joints inside of the crops of the squared error, summed over a map's cells."""
    height, width = said.shape[2:]
    wanted = heatmaps(joints, recipe.size, (width, height), recipe.sigma)
    error = (said - wanted.wanted).square().sum((2, 3))
    return error[wanted.inside].mean()


def normalised(pixels: torch.Tensor, processor: Any) -> torch.Tensor:
    """Return pixels (B, 3, h, w), 0 to 255, as the processor scales them."""
    mean, std = (torch.tensor(value).view(3, 1, 1) for value in (processor.image_mean, processor.image_std))
    return (pixels / 255 - mean) / std


@torch.no_grad()
def score(model: Any, processor: Any, people: People, size: tuple[int, int], at_once: int = 64) -> tuple[float, ...]:
    """Return for each of `NEAR` the share of joints found, of those that lie within the true box's crop (PCK)."""
    right: list[Sequence[bool]] = [[] for _ in NEAR]
    for first in range(0, len(people), at_once):
        part = slice(first, first + at_once)
        boxes = people.boxes[part]
        centre, extent = windows(boxes, size)
        crops = cut(people.pixels[part], people.joints[part], centre, extent, size)
        maps = model(normalised(crops.pixels, processor)).heatmaps
        height, width = maps.shape[2:]
        best = maps.flatten(2).argmax(2)
        at = torch.stack([best % width, best // width], 2) / torch.tensor([width - 1.0, height - 1.0])  # 0 to 1
        where = centre[:, None] + (at - 0.5) * extent[:, None]
        away = (where - people.joints[part]).norm(dim=2) / boxes[:, 2:].max(1).values[:, None]
        inside = ((crops.joints >= 0) & (crops.joints <= torch.tensor(size) - 1)).all(2)
        for place, near in enumerate(NEAR):
            right[place] = [*right[place], *(away <= near)[inside].tolist()]
    return tuple(sum(each) / max(1, len(each)) for each in right)
