"""OV-HHIR's learnt half: frozen features of each stream, as tokens of a frozen language model.

Per stream a position embedding of frames, a Video Q-Former (transformers' `Blip2QFormerModel`) and a linear layer, as
in Video-LLaMA (Zhang et al. 2023), on which Ray et al. build. The language model is held outside of the module: it
neither learns, nor moves, nor is it saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import Blip2QFormerConfig, Blip2QFormerModel

from stages.interact.params import PLACES, QFormerParams, Talking

#: What cross-entropy leaves out, and where a stream's tokens stand: -1 for the first of `PLACES`, and so on.
IGNORED = -100
SLOTS = {stream: -1 - number for number, stream in enumerate(PLACES.values())}


def qformer(params: QFormerParams, width: int) -> Blip2QFormerModel:
    """Return a Q-Former with random weights over features of a width."""
    config = Blip2QFormerConfig(
        hidden_size=params.hidden,
        num_hidden_layers=params.layers,
        num_attention_heads=params.heads,
        intermediate_size=params.inner,
        hidden_dropout_prob=params.dropout,
        attention_probs_dropout_prob=params.dropout,
        cross_attention_frequency=params.cross_every,
        encoder_hidden_size=width,
    )
    config._attn_implementation = "sdpa"  # which takes a mask of truth values
    return Blip2QFormerModel(config)


class Queries(nn.Module):
    """A Q-Former with its queries (normal, standard deviation 0.02)."""

    def __init__(self, params: QFormerParams, width: int) -> None:
        super().__init__()
        self.query_tokens = nn.Parameter(0.02 * torch.randn(1, params.queries, params.hidden))
        self.qformer = qformer(params, width)

    def forward(self, features: torch.Tensor, seen: torch.Tensor | None = None) -> torch.Tensor:
        """Return (B, queries, hidden) of features (B, K, width), of which only those `seen` (B, K) are looked at."""
        asked = self.query_tokens.expand(len(features), -1, -1)
        # As a whole mask: of (B, K) transformers makes none where a batch sees all, and that takes another kernel.
        mask = None if seen is None else seen[:, None, None].expand(-1, 1, asked.shape[1], -1)
        out = self.qformer(query_embeds=asked, encoder_hidden_states=features, encoder_attention_mask=mask)
        found: torch.Tensor = out.last_hidden_state
        return found


class Branch(nn.Module):
    """A stream's features to tokens of the language model."""

    def __init__(self, way: Talking, width: int, out: int) -> None:
        super().__init__()
        self.image = Queries(way.image_qformer, width) if way.image_qformer is not None else None
        within = way.image_qformer.hidden if way.image_qformer is not None else width
        self.position_embeddings = nn.Embedding(way.seeing.frames, within)
        self.video = Queries(way.qformer, within)
        self.project = nn.Linear(way.qformer.hidden, out)

    def forward(self, features: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Return (B, queries, out).

        Args:
            features: (B, T, K, width).
            seen: (B, T), bool: frames in which there is something to see; where there is none in any, all are looked
                at, and their features are zeros.
        """
        if self.image is not None:
            features = self.image(features.flatten(0, 1)).unflatten(0, features.shape[:2])
        placed = features + self.position_embeddings.weight[None, :, None]
        looked = seen | ~seen.any(1, keepdim=True)
        mask = looked[:, :, None].expand(placed.shape[:3]).flatten(1)
        tokens: torch.Tensor = self.project(self.video(placed.flatten(1, 2), mask))
        return tokens


class Interaction(nn.Module):
    """All branches before a language model, and the loss of what that should say."""

    def __init__(self, way: Talking, widths: Mapping[str, int], language: Any) -> None:
        """Draw the branches' weights from torch's generator.

        Args:
            way: the recipe.
            widths: of the features of each stream.
            language: a causal language model of transformers, or a VLM; nothing of it learns.
        """
        super().__init__()
        out = language.get_input_embeddings().embedding_dim
        kinds = {name: "person" if way.shared and name in ("p1", "p2") else name for name in widths}
        self.branches = nn.ModuleDict({kind: Branch(way, widths[name], out) for name, kind in kinds.items()})
        self.way, self._kinds = way, kinds
        self.outside = [language.requires_grad_(False).eval()]  # in a list: no part of the module

    @property
    def language(self) -> Any:
        """The frozen language model."""
        return self.outside[0]

    def train(self, mode: bool = True) -> Interaction:
        """Set training; of the language model only what recomputes activations, which looks at this flag."""
        super().train(mode)
        self.language.eval()
        for module in self.language.modules():
            if mode and getattr(module, "gradient_checkpointing", False):
                module.training = True
        return self

    def gradient_checkpointing_enable(self, arguments: dict[str, Any] | None = None) -> None:
        """Compute the language model's activations again in the backward pass."""
        self.language.gradient_checkpointing_enable(gradient_checkpointing_kwargs=arguments)

    def tokens(self, features: Mapping[str, torch.Tensor], seen: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return each stream's tokens of the language model, (B, queries, width); see `Branch`."""
        return {name: self.branches[self._kinds[name]](features[name], seen[name]) for name in self._kinds}

    def embedded(self, ids: torch.Tensor, tokens: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return ids (B, L) as embeddings (B, L, width), the streams' tokens at their `SLOTS`."""
        words = self.language.get_input_embeddings()
        embedded: torch.Tensor = words(ids.clamp(min=0)).to(ids.device)
        for name, value in tokens.items():
            place = (ids == SLOTS[name]).unsqueeze(-1).expand_as(embedded)
            embedded = embedded.masked_scatter(place, value.to(embedded.dtype))
        return embedded

    def forward(
        self,
        features: Mapping[str, torch.Tensor],
        seen: Mapping[str, torch.Tensor],
        ids: torch.Tensor,
        turns: torch.Tensor,
    ) -> torch.Tensor:
        """Return (B, 3): the loss, then the mean cross-entropy of the first turn's tokens and of the second's.

        Args:
            features: stream -> (B, T, K, width).
            seen: stream -> (B, T), bool.
            ids: (B, L), padded on the right: token ids, and `SLOTS` where a stream's tokens stand.
            turns: (B, L): 1 and 2 at the tokens of the answers, 0 elsewhere.
        """
        embedded = self.embedded(ids, self.tokens(features, seen))
        # Padding lies behind all that counts, and a causal model does not look ahead: it needs no mask.
        logits = self.language(inputs_embeds=embedded, use_cache=False).logits[:, :-1]
        wanted, turn = ids[:, 1:], turns[:, 1:]
        asked = turn > 0
        each = nn.functional.cross_entropy(
            logits.to(ids.device)[asked].to(torch.promote_types(logits.dtype, torch.float32)),
            wanted[asked],
            reduction="none",
        )
        spread = torch.zeros(turn.shape, dtype=each.dtype, device=each.device).masked_scatter(asked, each)
        one, two = ((spread * (turn == number)).sum(1) / (turn == number).sum(1) for number in (1, 2))
        loss = spread.sum(1) / asked.sum(1) if self.way.weigh == "tokens" else (one + two) / 2
        return torch.stack([loss, one, two], 1)
