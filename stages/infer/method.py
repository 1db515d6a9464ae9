"""How a method asks: one model by one strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from stages.infer.clips import listed
from stages.infer.params import AsPublished, Describe, Judge, Strategy
from stages.infer.shots import Shot
from stages.infer.strategies import Asking, Classes, strategy
from stages.labels.classes import ClassList
from stages.vlm.base import Backend
from stages.vlm.load import load
from stages.vlm.params import VlmParams


class Method(NamedTuple):
    """What identifies the weights of its models, how it asks, and the model."""

    revision: str
    asking: Asking
    backend: Backend


def method(
    model: tuple[str, VlmParams],
    way: tuple[str, Strategy],
    labels: Mapping[str, Sequence[str]],
    classes: ClassList,
    shown: Sequence[Shot] = (),
    wrap: Callable[[Backend, VlmParams], Backend] = lambda backend, _: backend,
) -> Method:
    """Return the method of a model and a strategy, each a name with its params.

    Args:
        model: its name, and its file of params/models.
        way: the block `strategies.<strategy>`.
        labels: labels of each usable clip.
        classes: of the data set; closed questions list them.
        shown: the strategy's examples.
        wrap: what stands before a back end, such as a counter of what it would be asked.

    Raises:
        InputError: closed questions need what the labels do not have, or there is no such prompt or model.
    """
    name, params = way
    backend = text_model = wrap(load(model[1], model[0]), model[1])
    if isinstance(params, Judge) and params.text_model:
        text_model = wrap(load(params.text_model, name), params.text_model)
    free = isinstance(params, AsPublished | Describe)
    asking = strategy(params, backend, text_model, Classes({}, False) if free else listed(labels, classes), shown)
    revision = "+".join(dict.fromkeys([backend.revision, text_model.revision]))
    return Method(revision, asking, backend)
