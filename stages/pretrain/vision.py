"""Phase 1: the vision tower alone learns to see who does what with which object, supervised by the simulator.

Every cell of the tower's last map becomes a visual token, so every cell is taught: whether it shows the person, and if
so what the person does, with what, in which posture. A cell is taught nothing about things that merely stand around.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from stages.pretrain.frames import KNOWN, PLACES, Clips
from stages.pretrain.keeping import Keeper
from stages.pretrain.params import VisionPhase
from stages.pretrain.schedule import Optimiser
from stages.pretrain.views import View, windows

#: Its name in what is kept of an unfinished run.
PHASE = "vision"
#: Pixels of a whole frame for one of the view, at least and at most.
_WHOLE = (0.9, 1.0)


class Heads(nn.Module):
    """Heads over the tower's last two maps; they are thrown away after training.

    The joints are looked for in the finer map, as a place for each: what then is seen there, at the hands above all,
    names object and activity, and so the tower learns where to look. The last map is asked the same cell by cell.
    """

    def __init__(self, fine: int, last: int, classes: dict[str, int]) -> None:
        super().__init__()
        self.places = nn.Conv2d(fine, PLACES, 1)
        self.there = nn.ModuleDict({name: nn.Linear(PLACES * fine, count) for name, count in classes.items()})
        self.person = nn.Conv2d(last, 1, 1)
        self.cell = nn.ModuleDict({name: nn.Conv2d(last, count, 1) for name, count in classes.items()})

    def forward(self, fine: torch.Tensor, last: torch.Tensor) -> Seen:
        """Return what is seen in maps (B, fine, 2h, 2w) and (B, last, h, w)."""
        places = self.places(fine).flatten(2)  # (B, PLACES, cells)
        there = torch.einsum("bjn,bwn->bjw", places.softmax(2), fine.flatten(2)).flatten(1)
        person = self.person(last)
        return Seen(
            places,
            person,
            {name: head(there) for name, head in self.there.items()},
            {name: head(last) for name, head in self.cell.items()},
        )


class Seen(NamedTuple):
    """What the heads say of B views."""

    places: torch.Tensor
    """(B, PLACES, cells): logits of the cell that holds each joint, or point of a table."""
    person: torch.Tensor
    """(B, 1, h, w): logits of whether a cell shows the person."""
    there: dict[str, torch.Tensor]
    """Kind of class -> (B, classes): logits from what is at the joints."""
    cell: dict[str, torch.Tensor]
    """Kind of class -> (B, classes, h, w): logits from each cell."""

    def named(self, kind: str) -> torch.Tensor:
        """Return the class that the cells name together, each as much as it shows the person, (B,)."""
        weight = self.person.flatten(2).softmax(2)
        return (self.cell[kind].flatten(2) * weight).sum(2).argmax(1)


def train_vision(
    model: Any,
    clips: Clips,
    phase: VisionPhase,
    seed: int,
    normalise: Callable[[torch.Tensor], torch.Tensor],
    advance: Callable[[int], None],
    keeper: Keeper,
) -> float:
    """Train the tower; return the share of whole frames whose activity it names, over the last tenth of the steps.

    Most steps see windows around the person, the last ones whole frames, as they are shown to the model later. It goes
    on where `keeper` has it.
    """
    # Convolutions are a third faster on a CPU when a pixel's channels lie side by side.
    tower = model.model.vision_tower.train().to(memory_format=torch.channels_last)
    with torch.no_grad():
        fine, last = _maps(tower, normalise(clips.pixels[:1, 0]))
    heads = Heads(fine.shape[1], last.shape[1], {name: len(known) for name, known in clips.classes.items()})
    optimiser = Optimiser([*tower.parameters(), *heads.parameters()], phase)
    draw = torch.Generator().manual_seed(seed)
    height, width = clips.pixels.shape[3:]
    right: list[float] = []
    known = keeper.recall(PHASE, model, heads=heads, optimiser=optimiser)
    if known is not None:
        right = known["right"]
        if not known["over"]:
            draw.set_state(known["draw"])
    for step in range(keeper.steps(PHASE), phase.steps):
        near = step < (1 - phase.whole) * phase.steps
        size, zoom = ((phase.window, phase.window), phase.zoom) if near else ((width, height), _WHOLE)
        count = phase.batch if near else max(1, phase.batch * phase.window**2 // (width * height))
        picked = torch.randint(len(clips.pixels), (count,), generator=draw)
        frame = torch.randint(KNOWN, (count,), generator=draw)
        view = windows(clips, picked, frame, size, zoom, draw)
        seen = heads(*_maps(tower, normalise(view.pixels)))
        targets = {name: target[picked] for name, target in clips.targets.items()}
        optimiser.step(_loss(seen, view, targets))
        if step >= 0.9 * phase.steps:
            right.append(float((seen.named("label") == targets["label"]).float().mean()))
        advance(1)
        rest = {"draw": draw.get_state(), "right": right}
        keeper.keep(PHASE, step + 1, model, rest, heads=heads, optimiser=optimiser)
    tower.to(memory_format=torch.contiguous_format)
    if known is None or not known["over"]:
        keeper.keep(PHASE, phase.steps, model, {"right": right}, over=True)
    return sum(right) / max(1, len(right))


def _loss(seen: Seen, view: View, targets: dict[str, torch.Tensor]) -> torch.Tensor:
    rows, columns = seen.person.shape[2:]
    cover = F.adaptive_avg_pool2d(view.person, (rows, columns))  # (B, 1, h, w): share of a cell
    visible = cover.flatten(1).sum(1) > 0
    loss = F.binary_cross_entropy_with_logits(seen.person, (4 * cover).clamp(max=1))
    inside = ((view.joints >= 0) & (view.joints < 1)).all(2) & visible[:, None]
    cell = _cells(view.joints, 2 * rows, 2 * columns)
    if inside.any():
        loss = loss + F.cross_entropy(seen.places[inside], cell[inside])
    if visible.any():
        weight = cover / cover.sum((1, 2, 3), keepdim=True).clamp(min=1e-6)  # each view counts as much
        for name, target in targets.items():
            loss = loss + F.cross_entropy(seen.there[name][visible], target[visible])
            by_cell = F.cross_entropy(
                seen.cell[name], target[:, None, None].expand(-1, rows, columns), reduction="none"
            )
            loss = loss + (by_cell * weight[:, 0])[visible].sum() / visible.sum()
    return loss


def _maps(tower: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the last two maps of normalised images (B, 3, H, W), with strides of 16 and 32 pixels."""
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    maps = tower(pixels, output_hidden_states=True).hidden_states
    return maps[-2], maps[-1]


def tokens_of(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    """Return the visual tokens (B, N, width) of normalised images (B, 3, H, W), before the projector."""
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    out: torch.Tensor = model.model.vision_tower(pixels).last_hidden_state  # (B, width, h, w)
    return out.flatten(2).transpose(1, 2)


def _cells(joints: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Return the cell of a map in which each joint lies, (B, PLACES), counted row by row; the nearest if outside."""
    where = joints.clamp(0, 0.999)
    return (where[..., 1] * rows).long() * columns + (where[..., 0] * columns).long()
