"""What the frozen part of a VLM makes of a clip, computed once: the inputs of its language model.

Where LoRA lies in the language model only and clips are not augmented, vision tower and projector give the same in
every epoch, and on a small model they are most of the work. A model's own `forward` is run up to its language model,
whose arguments are caught there, whatever they are; the language model is then called with them as the model would.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch.utils import _pytree as trees

from stages.adapt.params import Captions, FtCLora
from stages.learn.params import Augmentation
from stages.learn.sharded import is_sharded

Tensors = dict[str, torch.Tensor]


class Ahead(NamedTuple):
    """Inputs of a VLM of which the frozen part is done."""

    given: Tensors
    """The token ids, `input_ids` (B, L), and `labels` where there are any."""
    arguments: dict[str, Any]
    """Keyword arguments of the language model."""

    @property
    def bytes(self) -> int:
        """Memory of the tensors."""
        leaves = [*self.given.values(), *trees.tree_leaves(self.arguments)]
        return sum(leaf.nbytes for leaf in leaves if isinstance(leaf, torch.Tensor))


class _CaughtError(Exception):
    """Ends a forward pass at the language model."""


class Frozen:
    """The part of a VLM below its language model; valid while nothing in it learns."""

    def __init__(self, model: Any, most: int = 2 << 30) -> None:
        """Bind a model.

        Args:
            model: a transformers model.
            most: bytes of what may be kept of it, in all.
        """
        self.model, self.left = model, most
        self._dims: dict[Any, list[int | None]] = {}

    def ahead(self, inputs: Tensors) -> Ahead:
        """Return inputs of the whole model with the frozen part done, on the CPU."""
        given = {name: inputs[name] for name in ("input_ids", "labels") if name in inputs}
        rest = {name: value for name, value in inputs.items() if name != "labels"}
        caught = trees.tree_map_only(torch.Tensor, lambda value: value.cpu(), self._caught(rest))
        shape = _shape(caught)
        if shape not in self._dims:
            twice = {name: torch.cat([value, value]) for name, value in rest.items()}
            pairs = zip(trees.tree_leaves(caught), trees.tree_leaves(self._caught(twice)), strict=True)
            self._dims[shape] = [_differing(one, two) for one, two in pairs]
        return Ahead({name: value.cpu() for name, value in given.items()}, caught)

    def joined(self, rows: Sequence[Ahead], device: torch.device) -> Ahead:
        """Return single clips of one shape as one batch."""
        given = {name: torch.cat([row.given[name] for row in rows]).to(device) for name in rows[0].given}
        dims = self._dims[_shape(rows[0].arguments)]
        leaves = [trees.tree_leaves(row.arguments) for row in rows]
        joined = [
            each[0] if dim is None else torch.cat(each, dim).to(device)
            for each, dim in zip(zip(*leaves, strict=True), dims, strict=True)
        ]
        joined = [leaf.to(device) if isinstance(leaf, torch.Tensor) else leaf for leaf in joined]
        return Ahead(given, trees.tree_unflatten(joined, trees.tree_structure(rows[0].arguments)))

    @torch.no_grad()
    def _caught(self, inputs: Tensors) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def stop(_: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
            assert not arguments, "transformers names the arguments of a language model"
            found.update(named)
            raise _CaughtError

        handle = self.model.get_decoder().register_forward_pre_hook(stop, with_kwargs=True)
        device = self.model.device
        try:
            self.model.base_model(**{name: value.to(device) for name, value in inputs.items()}, use_cache=False)
        except _CaughtError:
            return found
        finally:
            handle.remove()
        raise AssertionError("the model has not called its language model")


def frozen_part(model: Any, way: FtCLora | Captions) -> Frozen | None:
    """Return the part of a model below its language model where one way of adapting leaves it as it is; else None.

    In bfloat16 by autocast it would be computed in another precision than in training. Where the model is sharded no
    process computes a part of it by itself.
    """
    same = set(way.lora.parts) == {"language"} and way.augmentation == Augmentation() and not is_sharded()
    return Frozen(model) if same and way.recipe.precision == "float32" else None


def shape_of(row: Ahead) -> Any:
    """Return what rows of one batch share."""
    return (tuple((name, tuple(value.shape)) for name, value in row.given.items()), _shape(row.arguments))


def _shape(tree: Any) -> Any:
    return tuple(tuple(leaf.shape) if isinstance(leaf, torch.Tensor) else leaf for leaf in trees.tree_leaves(tree))


def _differing(one: Any, two: Any) -> int | None:
    """Return the dimension of the batch: the first that two samples make longer; None where none is."""
    if not isinstance(one, torch.Tensor):
        return None
    return next((dim for dim, (a, b) in enumerate(zip(one.shape, two.shape, strict=True)) if a != b), None)
