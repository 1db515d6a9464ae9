"""What a model learns from, or is tried on: inputs by index, and their targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from stages.learn.augment import View, draw, placed, seen, views_at_test
from stages.learn.data import Clip
from stages.learn.frames import Store
from stages.learn.params import Augmentation, Views

Inputs = dict[str, torch.Tensor]


class Source(Protocol):
    """N samples. What they undergo in an epoch depends on the epoch and the index, never on the batch.

    A source that takes long to make its inputs may have a method `ahead(indices, epoch)`: it is told what it will be
    asked for next, to make it while the device computes.
    """

    targets: torch.Tensor
    """(N,) int64, or (N, C) float32 for several labels; on the CPU."""

    def __len__(self) -> int: ...

    def inputs(self, indices: Sequence[int], epoch: int | None, device: torch.device) -> Inputs:
        """Return the model's keyword arguments for these samples, on `device`; `epoch` None: as they are, for tests."""
        ...


class Clips:
    """Clips as `pixel_values`, float32 (B, T, 3, H, W), normalised."""

    def __init__(
        self,
        clips: Sequence[Clip],
        targets: torch.Tensor,
        store: Store,
        mean: Sequence[float],
        std: Sequence[float],
        change: Augmentation | None = None,
        seed: int = 0,
        look: View | None = None,
        control: Callable[[Clip], NDArray[np.uint8]] | None = None,
    ) -> None:
        """Bind clips to their pixels.

        Args:
            clips: N clips that `store` keeps.
            targets: theirs.
            store: kept frames.
            mean: of each channel, values 0 to 1.
            std: of each channel.
            change: augmentation in training; None: none.
            seed: of the augmentation.
            look: what is seen at test time; None: the whole frame, the middle of each part of the clip.
            control: gives a clip's kept frames instead of the store.
        """
        self.clips, self.targets, self.store = clips, targets, store
        self.change, self.seed, self.control = change, seed, control
        self.look = look or views_at_test(store.pixels, Views())[0]
        self._mean, self._std = (torch.tensor(list(value)).view(3, 1, 1) for value in (mean, std))

    def __len__(self) -> int:
        return len(self.clips)

    def inputs(self, indices: Sequence[int], epoch: int | None, device: torch.device) -> Inputs:
        """Return `pixel_values` of some clips."""
        pixels = self.store.pixels
        chosen = [placed(self.look, pixels, self.clips[index].frames) for index in indices]
        if epoch is not None and self.change is not None:
            rngs = [np.random.default_rng([self.seed, epoch, index]) for index in indices]
            sizes = [self.clips[index].frames for index in indices]
            chosen = [draw(pixels, self.change, rng, size) for rng, size in zip(rngs, sizes, strict=True)]
        frames = np.stack([self._frames(index, look) for index, look in zip(indices, chosen, strict=True)])
        images = seen(torch.from_numpy(frames).to(device), chosen, pixels.size)
        return {"pixel_values": (images - self._mean.to(device)) / self._std.to(device)}

    def _frames(self, index: int, look: View) -> NDArray[np.uint8]:
        clip = self.clips[index]
        return self.store.get(clip, look.places) if self.control is None else self.control(clip)[look.places]
