"""A linear head on pooled visual tokens: alone on features that are known (FT-LC), or behind its VLM (FT-C-LoRA)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from stages.adapt.answers import IGNORED
from stages.adapt.frozen import Ahead
from stages.adapt.pooling import mean_at, visual_tokens
from stages.learn.dropout import of_rows
from stages.learn.sharded import most

Tensors = dict[str, torch.Tensor]


class Head(nn.Module):
    """Logits (B, C) of features (B, width)."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(width, classes)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return (B, C) of features (B, width), float32."""
        logits: torch.Tensor = self.head(features)
        return logits


class Tuned(nn.Module):
    """A VLM of which nothing but LoRA learns; what draws at random outside of LoRA stays as in inference.

    Its parameters are those that LoRA left; batch norms keep their statistics.
    """

    def __init__(self, vlm: Any) -> None:
        super().__init__()
        self.vlm = vlm

    def train(self, mode: bool = True) -> Tuned:
        """Set training: dropout of LoRA, and layers that compute their activations again in the backward pass."""
        super().train(mode)
        if mode:
            self.vlm.eval()
            for name, module in self.vlm.named_modules():
                if "lora_dropout" in name or getattr(module, "gradient_checkpointing", False):
                    module.training = True  # not what lies within: a layer's attention would drop out too
        return self

    def hidden(self, group: Tensors | Ahead) -> torch.Tensor:
        """Return the last hidden states of a group of one shape, (B, L, width)."""
        if isinstance(group, Ahead):
            states = self.vlm.get_decoder()(**group.arguments).last_hidden_state
        else:
            inputs = {name: value for name, value in group.items() if name != "labels"}
            states = self.vlm.base_model(**inputs, use_cache=False).last_hidden_state
        found: torch.Tensor = states
        return found

    def gradient_checkpointing_enable(self, arguments: dict[str, Any] | None = None) -> None:
        """Compute activations again in the backward pass."""
        self.vlm.gradient_checkpointing_enable(gradient_checkpointing_kwargs=arguments)
        # Else a frozen embedding gives layers no input that asks for a gradient, and theirs would not be computed.
        self.vlm.enable_input_require_grads()


class Headed(Tuned):
    """A VLM with a linear head on its pooled visual tokens."""

    def __init__(self, vlm: Any, classes: int) -> None:
        super().__init__(vlm)
        self.tokens: torch.Tensor
        self.head = nn.Linear(vlm.config.get_text_config().hidden_size, classes)
        self.register_buffer("tokens", visual_tokens(vlm.config), persistent=False)

    def forward(self, shown: Sequence[Tensors | Ahead], order: torch.Tensor) -> torch.Tensor:
        """Return logits (B, C).

        Args:
            shown: inputs of the VLM in groups of one shape, B rows in all.
            order: (B,), where each sample of the batch is among the rows, group after group.
        """
        vectors = each(shown, order, lambda group: mean_at(self.hidden(group), given(group)["input_ids"], self.tokens))
        with torch.autocast(vectors.device.type, enabled=False):
            logits: torch.Tensor = self.head(vectors)
        return logits[order]


class Speaking(Tuned):
    """A VLM that learns to say what it is given."""

    def forward(self, shown: Sequence[Tensors | Ahead], order: torch.Tensor) -> torch.Tensor:
        """Return the mean cross-entropy of each answer's tokens, (B, 1).

        Args:
            shown: as of `Headed`, with `labels` (B, L): token ids of the answer, -100 elsewhere.
            order: as of `Headed`.
        """
        losses = each(shown, order, self._losses)
        return losses[order].unsqueeze(1)

    def _losses(self, group: Tensors | Ahead) -> torch.Tensor:
        wanted = given(group)["labels"][:, 1:]
        asked = wanted != IGNORED
        hidden = self.hidden(group)[:, :-1]
        # Only at the answer's tokens: logits of every visual token would fill a GPU's memory.
        logits = self.vlm.get_output_embeddings()(hidden[asked]).float()
        each = nn.functional.cross_entropy(logits, wanted[asked], reduction="none")
        row = asked.nonzero()[:, 0]
        sums = torch.zeros(len(wanted), device=each.device).index_add(0, row, each)
        return sums / asked.sum(1)


def each(
    shown: Sequence[Tensors | Ahead], order: torch.Tensor, made: Callable[[Tensors | Ahead], torch.Tensor]
) -> torch.Tensor:
    """Return what is made of each group, (B, ...), group after group; a sample's dropout does not know its group.

    Where the model is sharded, a process with fewer groups than another computes its first again, and drops it.
    """
    sizes = [len(given(group)["input_ids"]) for group in shown]
    groups = list(zip(shown, torch.split(order.argsort(), sizes), strict=True))
    groups += groups[:1] * (most(len(groups), order.device) - len(groups))
    found = []
    for group, places in groups:
        with of_rows(places):
            found.append(made(group))
    return torch.cat(found)[: len(order)]


def given(group: Tensors | Ahead) -> Tensors:
    """Return the token ids of a group, and its labels where there are any."""
    return group.given if isinstance(group, Ahead) else group
