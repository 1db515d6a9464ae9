"""Phase 1: the vision tower alone learns to see who does what with which object, supervised by the simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from stages.pretrain.frames import KNOWN, Clips
from stages.pretrain.params import Phase
from stages.pretrain.schedule import Optimiser

JOINTS = 17


class Heads(nn.Module):
    """Heads over the tower's last two maps; they are thrown away after training.

    The joints are looked for in the finer map, as a place for each: what then is seen there, at the hands above all,
    names object and activity, and so the tower learns where to look. The last map, whose cells become the visual
    tokens, learns the same from all cells at once.
    """

    def __init__(self, fine: int, last: int, cells: int, classes: dict[str, int]) -> None:
        super().__init__()
        self.places = nn.Conv2d(fine, JOINTS, 1)
        self.there = nn.ModuleDict({name: nn.Linear(JOINTS * fine, count) for name, count in classes.items()})
        self.overall = nn.ModuleDict({name: nn.Linear(cells * last, count) for name, count in classes.items()})

    def forward(self, fine: torch.Tensor, last: torch.Tensor) -> Seen:
        """Return what is seen in maps (B, fine, 2h, 2w) and (B, last, h, w)."""
        places = self.places(fine).flatten(2)  # (B, JOINTS, cells)
        there = torch.einsum("bjn,bwn->bjw", places.softmax(2), fine.flatten(2)).flatten(1)
        overall = last.flatten(1)
        named = {name: (head(there), self.overall[name](overall)) for name, head in self.there.items()}
        return Seen(places, named)


class Seen(NamedTuple):
    """What the heads say of B frames."""

    places: torch.Tensor
    """(B, JOINTS, cells): logits of the cell that holds each joint."""
    named: dict[str, tuple[torch.Tensor, torch.Tensor]]
    """Kind of class -> logits (B, classes) from the joints' places and from the last map."""


def train_vision(
    model: Any,
    clips: Clips,
    phase: Phase,
    normalise: Callable[[torch.Tensor], torch.Tensor],
    advance: Callable[[int], None],
) -> float:
    """Train the tower; return the share of single frames whose activity it names, over the last tenth of the steps."""
    # Convolutions are a third faster on a CPU when a pixel's channels lie side by side.
    tower = model.model.vision_tower.train().to(memory_format=torch.channels_last)
    with torch.no_grad():
        fine, last = _maps(tower, normalise(clips.pixels[:1, 0]))
    counts = {name: len(known) for name, known in clips.classes.items()}
    heads = Heads(fine.shape[1], last.shape[1], last[0, 0].numel(), counts)
    optimiser = Optimiser([*tower.parameters(), *heads.parameters()], phase)
    right: list[float] = []
    for step in range(phase.steps):
        picked = torch.randint(len(clips.pixels), (phase.batch,))
        frame = torch.randint(KNOWN, (phase.batch,))
        fine, last = _maps(tower, normalise(_relit(clips.pixels[picked, frame])))
        seen = heads(fine, last)
        cell = _cells(clips.joints[picked, frame], fine.shape[2], fine.shape[3])
        loss = F.cross_entropy(seen.places.flatten(0, 1), cell.flatten())
        for name, both in seen.named.items():
            for logits in both:
                loss = loss + F.cross_entropy(logits, clips.targets[name][picked])
        optimiser.step(loss)
        if step >= 0.9 * phase.steps:
            named = seen.named["label"][1].argmax(1)
            right.append(float((named == clips.targets["label"][picked]).float().mean()))
        advance(1)
    tower.to(memory_format=torch.contiguous_format)
    return sum(right) / max(1, len(right))


def _maps(tower: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the last two maps of normalised images (B, 3, H, W), with strides of 16 and 32 pixels."""
    maps = tower(pixels, output_hidden_states=True).hidden_states
    return maps[-2], maps[-1]


def tokens_of(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    """Return the visual tokens (B, N, width) of normalised images (B, 3, H, W), before the projector."""
    out: torch.Tensor = model.model.vision_tower(pixels).last_hidden_state  # (B, width, h, w)
    return out.flatten(2).transpose(1, 2)


def _cells(joints: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Return the cell of a map in which each joint lies, (B, JOINTS), counted row by row; the nearest if outside."""
    where = joints.clamp(0, 0.999)
    return (where[..., 1] * rows).long() * columns + (where[..., 0] * columns).long()


def _relit(pixels: torch.Tensor) -> torch.Tensor:
    """Change the light and colours of images (B, 3, H, W), uint8; return them as floats of the same range."""
    count = len(pixels)
    gain = 1 + 0.1 * torch.randn(count, 3, 1, 1)
    shift = 12 * torch.randn(count, 3, 1, 1)
    return (pixels.float() * gain + shift).clamp(0, 255)
