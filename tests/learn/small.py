"""Small things to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from stages.learn.params import Recipe


def recipe(**changed: Any) -> Recipe:
    values: dict[str, Any] = {"seed": 0, "threads": 1, "epochs": 6, "batch": 8, "rate": 0.01, "warmup": 1.0}
    return Recipe(**{**values, **changed})


class Points:
    """Points (N, 4) of three classes that a net of two layers tells apart; training adds noise of its own."""

    def __init__(self, count: int = 44, seed: int = 0, many: bool = False, noise: float = 0.1) -> None:
        rng = np.random.default_rng(seed)
        classes = torch.from_numpy(rng.integers(0, 3, count))
        self.points = torch.from_numpy(rng.normal(size=(count, 4))).float()
        self.points[torch.arange(count), classes] += 2.5
        self.targets = nn.functional.one_hot(classes, 3).float() if many else classes
        self.noise = noise

    def __len__(self) -> int:
        return len(self.points)

    def inputs(self, indices: Sequence[int], epoch: int | None, device: torch.device) -> dict[str, torch.Tensor]:
        points = self.points[list(indices)]
        if epoch is not None:
            drawn = [np.random.default_rng([epoch, index]).normal(size=4) for index in indices]
            points = points + self.noise * torch.from_numpy(np.stack(drawn)).float()
        return {"points": points.to(device)}


class Net(nn.Module):
    """Dropout and batch norm: what a run must bring back exactly."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2))
        self.head = nn.Linear(16, classes)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(points))
