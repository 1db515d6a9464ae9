"""What every architecture gives: a model that takes `pixel_values` (B, T, 3, H, W), and how its pixels are scaled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch

from stages.base.errors import InputError

State = dict[str, torch.Tensor]


class Shape(NamedTuple):
    """What a model sees of a clip."""

    frames: int
    width: int
    height: int


class Built(NamedTuple):
    """A model ready to learn or predict. Its logits follow the classes that it was built for."""

    model: Any
    mean: tuple[float, ...]
    """Of each channel, values 0 to 1."""
    std: tuple[float, ...]


def ordered_head(
    state: State, heads: Sequence[str], known: Sequence[str], classes: Sequence[str], remake: bool, file: str
) -> State:
    """Return a checkpoint's weights with the head's rows in the order of `classes`; without a head for `remake`.

    Args:
        state: the checkpoint's weights.
        heads: names of the head's weight and bias.
        known: the checkpoint's classes, in its order.
        classes: those to tell apart.
        remake: a new head is wanted.
        file: the checkpoint, for messages.

    Raises:
        InputError: the checkpoint has no head, or its classes are others.
    """
    if remake:
        return {name: value for name, value in state.items() if name not in heads}
    if any(name not in state for name in heads):
        raise InputError("the checkpoint has no head", file=file, key="head", do="set head: remake")
    if sorted(known) != sorted(classes):
        raise InputError(
            f"the checkpoint tells {len(known)} classes apart ({_some(known)}), the data set has {len(classes)} "
            f"({_some(classes)})",
            file=file,
            key="head",
            do="set head: remake to learn a new head on top of its weights",
        )
    order = [list(known).index(name) for name in classes]
    return state | {name: state[name][order] for name in heads}


def fill(model: Any, state: State, new: Sequence[str], file: str) -> None:
    """Put weights into a model; `new` may be missing among them.

    Raises:
        InputError: others are missing, left over or of another shape.
    """
    own: Mapping[str, torch.Tensor] = model.state_dict()
    missing = sorted(set(own) - set(state) - set(new))
    surplus = sorted(set(state) - set(own))
    other = sorted(name for name in set(own) & set(state) if own[name].shape != state[name].shape)
    if missing or surplus or other:
        said = [
            f"{len(names)} weights are {what}: {names[0]}"
            + (f" {tuple(state[names[0]].shape)} instead of {tuple(own[names[0]].shape)}" if names is other else "")
            for names, what in ((missing, "missing"), (surplus, "unknown"), (other, "of another shape"))
            if names
        ]
        raise InputError(
            f"not the weights of this architecture: {'; '.join(said)}",
            file=file,
            key="weights",
            do="correct `architecture`, its `options` or `weights`",
        )
    model.load_state_dict(state, strict=False)


def check_options(name: str, options: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Raise an InputError where params give a field that an architecture does not have."""
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(
            f"{name} has no field {', '.join(unknown)}",
            file="params.yaml",
            key="options",
            do=f"its fields are {', '.join(known)}",
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(list(names)[:3]) + (" ..." if len(names) > 3 else "")
