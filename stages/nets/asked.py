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
from stages.learn.prediction_rows import probabilities
from stages.learn.source import Clips
from stages.nets.base import Built, Shape
from stages.nets.trained import TrainRecipe


def class_scores(
    accelerator: Accelerator,
    built: Built,
    clips: Sequence[Clip],
    store: Store,
    params: TrainRecipe,
    many: bool,
    control: Callable[[Clip], NDArray[np.uint8]] | None = None,
    heads: Sequence[int] = (),
) -> NDArray[np.float64]:
    """Return the class scores (N, C) of clips, 6 digits.

    Args:
        accelerator: of `start`.
        built: the model.
        clips: N clips.
        store: keeps their frames.
        params: of the method.
        many: whether a clip may have several labels.
        control: gives a clip's kept frames instead of the store.
        heads: classes of each head, where there are several, one after the other: the scores of each add up to 1.
    """
    edges = np.cumsum(heads)[:-1]
    recipe = params.recipe
    none = torch.zeros(len(clips), dtype=torch.int64)
    found = []
    for look in views_at_test(params.pixels, params.views):
        source = Clips(clips, none, store, built.mean, built.std, look=look, control=control)
        logits = predict(accelerator, built.model, source, max(1, recipe.batch // recipe.accumulate))
        parts = np.split(logits, edges, axis=1) if len(heads) else [logits]
        found.append(np.concatenate([probabilities(part, many) for part in parts], axis=1))
    return np.asarray(np.round(np.mean(found, axis=0), 6), np.float64)


def shape(params: TrainRecipe) -> Shape:
    """Return what the model sees of a clip."""
    return Shape(params.pixels.frames, *params.pixels.size)
