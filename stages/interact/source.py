"""What training draws from: kept features of each clip's streams, and, where it learns to speak, what is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stages.base.journal.arrays import Arrays
from stages.interact.conversation import Told
from stages.interact.seen import Seen

#: Whose streams change places in the control.
SWAPPED = {"p1": "p2", "p2": "p1"}


class Streamed:
    """N clips as their streams."""

    def __init__(
        self,
        seen: Sequence[Seen],
        arrays: Arrays,
        targets: torch.Tensor,
        told: Sequence[Told] | None = None,
        swapped: bool = False,
        hidden: float = 0.0,
        seed: int = 0,
    ) -> None:
        """Bind clips to their features.

        Args:
            seen: N clips whose features are kept.
            arrays: where.
            targets: N targets.
            told: N conversations to learn; None: features alone.
            swapped: whether each person is shown in the other's place.
            hidden: share of the frames that training does not look at.
            seed: of their draw.
        """
        self.seen, self.arrays, self.targets, self.told, self.swapped = seen, arrays, targets, told, swapped
        self.hidden, self.seed = hidden, seed

    def __len__(self) -> int:
        return len(self.seen)

    def inputs(self, indices: Sequence[int], epoch: int | None, device: torch.device) -> dict[str, Any]:
        """Return `features` and `seen` of each stream, and `ids` and `turns`; see `model.Interaction`."""
        rows = [self.seen[index] for index in indices]
        names, pairs = list(rows[0].keys), list(zip(indices, rows, strict=True))
        given: dict[str, Any] = {
            "features": {name: self._stacked(rows, name, device) for name in names},
            "seen": {
                name: torch.from_numpy(
                    np.stack([row.there[self._of(name)] & self._looked(index, epoch) for index, row in pairs])
                ).to(device)
                for name in names
            },
        }
        if self.told is not None:
            given |= padded([self.told[index] for index in indices], device)
        return given

    def _of(self, name: str) -> str:
        return SWAPPED.get(name, name) if self.swapped else name

    def _looked(self, index: int, epoch: int | None) -> NDArray[np.bool_]:
        """Return the frames (T,) of a clip that are looked at in an epoch: the same of all streams, at least one."""
        count = len(self.seen[index].places)
        if epoch is None or not self.hidden:
            return np.ones(count, bool)
        rng = np.random.default_rng([self.seed, epoch, index])
        looked = rng.random(count) >= self.hidden
        looked[int(rng.integers(count))] = True
        return looked

    def _stacked(self, rows: Sequence[Seen], name: str, device: torch.device) -> torch.Tensor:
        found = [self.arrays[row.keys[self._of(name)]] for row in rows]
        return torch.from_numpy(np.stack(found)).to(device).float()


def padded(told: Sequence[Told], device: torch.device) -> Mapping[str, torch.Tensor]:
    """Return `ids` and `turns`, (B, L), of conversations, shorter ones with zeros behind them."""
    longest = max(len(one.ids) for one in told)
    rows = {
        "ids": [[*one.ids, *[0] * (longest - len(one.ids))] for one in told],
        "turns": [[*one.turns, *[0] * (longest - len(one.turns))] for one in told],
    }
    return {name: torch.tensor(value, dtype=torch.int64, device=device) for name, value in rows.items()}
