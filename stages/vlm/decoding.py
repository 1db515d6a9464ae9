"""How the next token is chosen beyond plain greedy: seeded draws, forced tokens, a word that must appear.

Each is a transformers `LogitsProcessor`: called with the tokens so far, (B, L), and the scores of the next, (B, V),
it returns scores whose maximum is the choice. Rows do not see one another.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessor

from stages.vlm.base import Request
from stages.vlm.constraint import holds, pattern


class Draw(LogitsProcessor):
    """Sample at a temperature, each row with a generator of its own: the draw does not depend on the batch.

    Adding Gumbel noise and taking the maximum draws from the softmax (Gumbel 1954; Maddison et al. 2014).
    """

    def __init__(self, requests: Sequence[Request], temperature: float, seed: int) -> None:
        self.temperature = temperature
        self.generators = [torch.Generator().manual_seed(_seed(request, seed)) for request in requests]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return noisy scores, (B, V)."""
        width = scores.shape[-1]
        uniform = torch.stack([torch.rand(width, generator=each, dtype=torch.float64) for each in self.generators])
        noise = -torch.log(-torch.log(uniform.clamp_min(1e-300)))
        return scores / self.temperature + noise.to(scores)


def _seed(request: Request, seed: int) -> int:
    text = json.dumps([seed, request.shape()], sort_keys=True)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest())


class Force(LogitsProcessor):
    """Choose the given tokens, one after the other, in every row."""

    def __init__(self, start: int, tokens: Sequence[int]) -> None:
        self.start, self.tokens = start, tokens

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return scores, (B, V), that allow the next given token only."""
        step = min(input_ids.shape[1] - self.start, len(self.tokens) - 1)
        return _only(scores, [self.tokens[step]])


class MustHold(LogitsProcessor):
    """See to it that each row's answer holds at least one of its words.

    The model writes freely. Where it would end without one of the words, or has only just room left for one, it must
    write one: at each step only tokens that go on with one of the words are allowed and the model's likeliest is
    taken, then the word must end there, and the model writes on freely.
    """

    def __init__(
        self, tokenizer: Any, words: Sequence[Sequence[str]], start: int, room: int, ends: Sequence[int]
    ) -> None:
        self.tokenizer, self.words, self.start, self.room, self.ends = tokenizer, words, start, room, list(ends)
        self.ways = [_ways(tokenizer, row, room) for row in words]
        self.writing: list[list[list[int]] | None] = [None] * len(words)
        self.forced = [False] * len(words)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return scores, (B, V), with those tokens ruled out that would leave a row without its word."""
        for row, ways in enumerate(self.ways):
            written = input_ids[row, self.start :].tolist()
            if ways and not set(written) & set(self.ends):
                allowed = self._allowed(row, written, scores[row])
                if allowed is not None:
                    scores[row] = _only(scores[row], allowed)
        return scores

    def _allowed(self, row: int, written: list[int], scores: torch.Tensor) -> list[int] | None:
        """Return the tokens that the row may write next; None for any."""
        writing = self.writing[row]
        if writing is None:
            text = self._text(written)
            matches = [match for word in self.words[row] for match in pattern(word).finditer(text)]
            if any(match.end() < len(text) for match in matches):
                return None  # something follows the word: nothing can change it any more
            left = self.room - len(written)
            tail = left <= max(len(way) for way in self.ways[row])
            if matches:
                # The next token could make another word of it (sit, sitting).
                return [self._keeping(row, written, scores)] if self.forced[row] or tail else None
            if not tail and int(scores.argmax()) not in self.ends:
                return None
            writing = [way for way in self.ways[row] if len(way) <= left]
            self.forced[row] = True
        else:
            writing = [way[1:] for way in writing if way[0] == written[-1]]
            if any(not way for way in writing):
                self.writing[row] = None
                return [self._keeping(row, written, scores)]
        self.writing[row] = writing
        return sorted({way[0] for way in writing})

    def _keeping(self, row: int, written: list[int], scores: torch.Tensor) -> int:
        """Return the likeliest next token after which the word still stands; the end does not touch it."""
        for token in scores.topk(min(64, scores.shape[-1])).indices.tolist():
            if token in self.ends or holds(self._text([*written, token]), self.words[row]):
                return int(token)
        return self.ends[0]

    def _text(self, tokens: list[int]) -> str:
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=True)
        return text


def _ways(tokenizer: Any, words: Sequence[str], room: int) -> list[list[int]]:
    """Return the token sequences that write one of `words` as a word of its own after other text."""
    before = tokenizer("a", add_special_tokens=False)["input_ids"]
    found = []
    for word in words:
        for text in (f" {word}", word):
            tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
            if 0 < len(tokens) <= room and holds(
                tokenizer.decode([*before, *tokens], skip_special_tokens=True), [word]
            ):
                found.append(tokens)
                break
    return found


def _only(scores: torch.Tensor, tokens: list[int]) -> torch.Tensor:
    """Return scores (.., V) with every token but `tokens` ruled out."""
    ruled = torch.full_like(scores, -math.inf)
    ruled[..., tokens] = scores[..., tokens].clamp_min(torch.finfo(scores.dtype).min)
    return ruled
