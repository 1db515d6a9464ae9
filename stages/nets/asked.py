"""What a model says of clips: class scores, averaged over the looks that its params name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray

from stages.learn.augment import views_at_test
from stages.learn.data import Clip
from stages.learn.device import predict
from stages.learn.frames import Store
from stages.learn.rows import probabilities
from stages.learn.source import Clips
from stages.nets.base import Built, Shape
from stages.nets.trained import TrainParams


def class_scores(
    accelerator: Accelerator,
    built: Built,
    clips: Sequence[Clip],
    store: Store,
    params: TrainParams,
    many: bool,
    control: Callable[[Clip], NDArray[np.uint8]] | None = None,
) -> NDArray[np.float64]:
    """Return the class scores (N, C) of clips, 6 digits.

    `many` says whether a clip may have several labels; `control` gives its kept frames instead of the store.
    """
    recipe = params.recipe
    none = torch.zeros(len(clips), dtype=torch.int64)
    found = []
    for look in views_at_test(params.pixels, params.views):
        source = Clips(clips, none, store, built.mean, built.std, look=look, control=control)
        logits = predict(accelerator, built.model, source, max(1, recipe.batch // recipe.accumulate))
        found.append(probabilities(logits, many))
    return np.asarray(np.round(np.mean(found, axis=0), 6), np.float64)


def shape(params: TrainParams) -> Shape:
    """Return what the model sees of a clip."""
    return Shape(params.pixels.frames, *params.pixels.size)
