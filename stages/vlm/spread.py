"""A model whose parts accelerate spread over cards, memory and disk (`device_map`): where its inputs go.

Hooks at its parts fetch what a part needs to where it computes, and bring the whole model's output back to where its
inputs were. Nobody may move such a model as a whole, nor ask its first weight where it is: one that waits on a disk is
nowhere ("meta").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def is_spread(model: Any) -> bool:
    """Return whether parts of a model, or of what wraps it, wait elsewhere than where they compute."""
    return any(True for module in model.modules() for _ in _computes(module))


def entry(model: Any) -> str:
    """Return the device that a model's inputs have to be on: where its embedding layer computes."""
    embedding = model.get_input_embeddings()
    devices = [*_computes(embedding), embedding.weight.device]
    return f"cuda:{devices[0]}" if isinstance(devices[0], int) else str(devices[0])


def _computes(module: Any) -> Iterator[Any]:
    """Yield where accelerate's hooks at a module let it compute."""
    hook = getattr(module, "_hf_hook", None)
    for one in getattr(hook, "hooks", [hook]):  # a chain of hooks, or one
        if (device := getattr(one, "execution_device", None)) is not None:
            yield device
