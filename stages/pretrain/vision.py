"""Phase 1: the vision tower alone learns to see who does what with which object, supervised by the simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from stages.pretrain.frames import KNOWN, Clips
from stages.pretrain.params import Phase
from stages.pretrain.schedule import Optimiser

#: COCO's joints, left and right exchanged: what a mirrored image shows.
_MIRRORED = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]


class Seen(nn.Module):
    """Heads over a frame's visual tokens; they are thrown away after training."""

    def __init__(self, width: int, tokens: int, classes: dict[str, int]) -> None:
        super().__init__()
        self.look = nn.Linear(width, 4)  # where to look: four glances, weights over the tokens
        self.name = nn.ModuleDict({name: nn.Linear(4 * width, count) for name, count in classes.items()})
        self.joints = nn.Linear(width * tokens, 34)

    def forward(self, tokens: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Return logits of each kind of class, (B, classes), and joints (B, 17, 2), from tokens (B, N, width)."""
        glances = self.look(tokens).softmax(1)  # (B, N, 4)
        seen = torch.einsum("bng,bnw->bgw", glances, tokens).flatten(1)  # (B, 4 * width)
        return {name: head(seen) for name, head in self.name.items()}, self.joints(tokens.flatten(1)).unflatten(
            1, (17, 2)
        )


def train_vision(
    model: Any,
    clips: Clips,
    phase: Phase,
    normalise: Callable[[torch.Tensor], torch.Tensor],
    advance: Callable[[int], None],
) -> float:
    """Train the tower; return the mean loss of the last tenth of the steps."""
    tower = model.model.vision_tower.train()
    with torch.no_grad():
        example = tokens_of(model, normalise(clips.pixels[:1, 0]))
    heads = Seen(example.shape[2], example.shape[1], {name: len(known) for name, known in clips.classes.items()})
    optimiser = Optimiser([*tower.parameters(), *heads.parameters()], phase)
    last: list[float] = []
    for step in range(phase.steps):
        picked = torch.randint(len(clips.pixels), (phase.batch,))
        frame = torch.randint(KNOWN, (phase.batch,))
        pixels, joints = _augmented(clips.pixels[picked, frame], clips.joints[picked, frame])
        named, found = heads(tokens_of(model, normalise(pixels)))
        loss = F.smooth_l1_loss(found, joints.clamp(-0.2, 1.2), beta=0.1) * 10
        for name, logits in named.items():
            loss = loss + F.cross_entropy(logits, clips.targets[name][picked])
        optimiser.step(loss)
        if step >= 0.9 * phase.steps:
            last.append(float(loss.detach()))
        advance(1)
    return sum(last) / max(1, len(last))


def tokens_of(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    """Return the visual tokens (B, N, width) of normalised images (B, 3, H, W), before the projector."""
    out: torch.Tensor = model.model.vision_tower(pixels).last_hidden_state
    return out.flatten(2).transpose(1, 2)


def _augmented(pixels: torch.Tensor, joints: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mirror half of the images, move each by up to 1/16, change its light and colours; joints follow.

    Args:
        pixels: (B, 3, H, W), uint8.
        joints: (B, 17, 2), fractions of width and height.
    """
    count, _, height, width = pixels.shape
    images = pixels.float()
    mirror = torch.rand(count) < 0.5
    images[mirror] = images[mirror].flip(3)
    mirrored = joints[:, _MIRRORED].clone()
    mirrored[..., 0] = 1 - mirrored[..., 0]
    joints = torch.where(mirror[:, None, None], mirrored, joints)
    far = torch.tensor([width // 16, height // 16])
    moved = torch.stack(
        [torch.randint(-int(limit), int(limit) + 1, (count,)) for limit in far], 1
    )  # (B, 2): right, down
    images = torch.stack(
        [image.roll((int(down), int(right)), (1, 2)) for image, (right, down) in zip(images, moved, strict=True)]
    )
    joints = joints + (moved / torch.tensor([width, height]))[:, None]
    gain = 1 + 0.15 * torch.randn(count, 3, 1, 1)
    shift = 20 * torch.randn(count, 3, 1, 1)
    return (images * gain + shift).clamp(0, 255), joints
