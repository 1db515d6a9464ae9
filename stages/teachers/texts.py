"""A language teacher: linear heads on a frozen encoder's embeddings of texts (Sun et al. 2024, section 3.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import nn

from stages.learn.checkpoint import run_key
from stages.learn.loop import Fitted, fit
from stages.learn.params import Recipe
from stages.learn.source import Inputs
from stages.teachers.heads import Heads, sizes
from stages.teachers.loss import naming_heads

#: Raise it when the same embeddings and classes give other heads.
VERSION = 1


class TextHeads(nn.Module):
    """Heads side by side as one linear map; forward takes `vectors` (B, D) and returns logits of all, one by one."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(width, classes)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return (B, classes of all heads)."""
        out: torch.Tensor = self.head(vectors)
        return out


class Vectors:
    """Texts as `vectors`, float32 (B, D): rows of a matrix of distinct embeddings."""

    def __init__(self, vectors: NDArray[np.float32], rows: NDArray[np.int64], wanted: NDArray[np.int64]) -> None:
        """Bind N samples to their embeddings: `rows` (N,) among `vectors`, `wanted` (N, heads) classes."""
        self._vectors, self._rows = torch.from_numpy(vectors.copy()), torch.from_numpy(rows)
        self.targets = torch.from_numpy(wanted)

    def __len__(self) -> int:
        return len(self._rows)

    def digest(self) -> str:
        """Return the hash of embeddings and targets, in their order."""
        digest = hashlib.blake2b(digest_size=16)
        for values in (self._vectors, self._rows, self.targets):
            digest.update(values.numpy().tobytes())
        return digest.hexdigest()

    def inputs(self, indices: Sequence[int], epoch: int | None, device: torch.device) -> Inputs:
        """Return the embeddings of some samples."""
        return {"vectors": self._vectors[self._rows[list(indices)]].to(device)}


def learn_heads(
    accelerator: Accelerator, source: Vectors, heads: Heads, recipe: Recipe, what: str
) -> tuple[TextHeads, Fitted]:
    """Return heads that were trained to name the classes of texts, and how that went."""
    torch.manual_seed(recipe.seed)
    width = source.inputs([0], None, torch.device("cpu"))["vectors"].shape[1]
    model = TextHeads(width, sum(sizes(heads)))
    key = run_key(
        accelerator.device,
        accelerator.num_processes,
        stage="teach",
        version=VERSION,
        recipe=recipe.model_dump(mode="json"),
        heads={head: list(classes) for head, classes in heads.items()},
        samples=source.digest(),
    )
    objective = naming_heads(source.targets, list(heads), sizes(heads), recipe)
    return model, fit(accelerator, model, source, None, recipe, key=key, what=what, objective=objective)


@torch.no_grad()
def log_probabilities(model: TextHeads, vectors: NDArray[np.float32], of: Sequence[int]) -> NDArray[np.float32]:
    """Return what heads say of embeddings (N, D): (N, classes of all), each head's a distribution of its own."""
    logits = model(vectors=torch.from_numpy(vectors.copy()).to(model.head.weight.device)).double().cpu()
    return torch.cat([part.log_softmax(1) for part in torch.split(logits, list(of), dim=1)], 1).float().numpy()
