"""A classifier on frozen features without a language model, as ALS-HAR has it (Ray et al. 2024)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from stages.interact.params import Naming


class Pooled(nn.Module):
    """Attention of one learnt query over all tokens of a stream, which know their frame."""

    def __init__(self, width: int, frames: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.position_embeddings = nn.Embedding(frames, width)
        self.query = nn.Linear(width, 1)

    def forward(self, features: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Return (B, width) of features (B, T, K, width) of the frames `seen` (B, T); of none seen, of all."""
        placed = self.norm(features) + self.position_embeddings.weight[None, :, None]
        looked = seen | ~seen.any(1, keepdim=True)
        weights = self.query(placed).squeeze(-1).masked_fill(~looked[:, :, None], float("-inf"))
        shares = weights.flatten(1).softmax(1).unsqueeze(-1)
        pooled: torch.Tensor = (placed.flatten(1, 2) * shares).sum(1)
        return pooled


class Classifier(nn.Module):
    """Logits of classes from the pooled features of every stream."""

    def __init__(self, way: Naming, widths: Mapping[str, int], classes: int) -> None:
        """Draw the weights from torch's generator."""
        super().__init__()
        self.pools = nn.ModuleDict({name: Pooled(width, way.seeing.frames) for name, width in widths.items()})
        self.dropout = nn.Dropout(way.dropout)
        self.head = nn.Linear(sum(widths.values()), classes)

    def forward(self, features: Mapping[str, torch.Tensor], seen: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return (B, C); see `model.Interaction`."""
        found = torch.cat([pool(features[name], seen[name]) for name, pool in self.pools.items()], 1)
        logits: torch.Tensor = self.head(self.dropout(found))
        return logits
