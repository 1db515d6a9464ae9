"""How the next token is chosen beyond plain greedy: seeded draws, forced tokens, a word that must appear.

Each is a transformers `LogitsProcessor`: called with the tokens so far, (B, L), and the scores of the next, (B, V),
it returns scores whose maximum is the choice. Rows do not see one another.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache

import torch
from transformers import LogitsProcessor

from stages.vlm.base import Request
from stages.vlm.constraint import found
from stages.vlm.thinking import Reader

#: What goes on with a word; a token that is part of a letter only is read as a replacement character.
_LETTER = re.compile(r"\w|\ufffd")


class Draw(LogitsProcessor):
    """Sample at a temperature, each row with a generator of its own: the draw does not depend on the batch.

    Adding Gumbel noise and taking the maximum draws from the softmax (Gumbel 1954; Maddison et al. 2014).
    """

    def __init__(self, requests: Sequence[Request], temperature: float, seed: int) -> None:
        self.temperature = temperature
        self.generators = [torch.Generator().manual_seed(request.seed(seed)) for request in requests]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return noisy scores, (B, V)."""
        width = scores.shape[-1]
        uniform = torch.stack([torch.rand(width, generator=each, dtype=torch.float64) for each in self.generators])
        noise = -torch.log(-torch.log(uniform.clamp_min(1e-300)))
        return scores / self.temperature + noise.to(scores)


class Force(LogitsProcessor):
    """Choose the given tokens, one after the other, in every row."""

    def __init__(self, start: int, tokens: Sequence[int]) -> None:
        self.start, self.tokens = start, tokens

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return scores, (B, V), that allow the next given token only."""
        step = min(input_ids.shape[1] - self.start, len(self.tokens) - 1)
        return _only(scores, [self.tokens[step]])


class MustHold(LogitsProcessor):
    """See to it that each row's answer holds at least one of its words (`constraint.found`).

    The model writes freely. Where it would end without one of the words, or has only just room left for one, it must
    write one: at each step only tokens that go on with one of the words are allowed and the model's likeliest is
    taken; then the model writes on freely, but for its next token, which must not go on with the word (`tableware`
    where `table` was forced). A word in its thinking does not count: where it still thinks, the end of the thinking is
    written before the word.
    """

    def __init__(
        self,
        reader: Reader,
        words: Sequence[Sequence[str]],
        prompts: Sequence[Sequence[int]],
        room: int,
        ends: Sequence[int],
    ) -> None:
        self.reader, self.words, self.room, self.ends = reader, words, room, list(ends)
        self.start = len(prompts[0])
        self.inside = [reader.opened(prompt) if row else None for prompt, row in zip(prompts, words, strict=True)]
        self.writing: list[list[list[int]] | None] = [None] * len(words)
        self.ways = cache(self._ways)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return scores, (B, V), with those tokens ruled out that would leave a row without its word."""
        for row, words in enumerate(self.words):
            written = input_ids[row, self.start :].tolist()
            if words and not set(written) & set(self.ends):
                allowed = self._allowed(row, written, scores[row])
                if allowed is not None:
                    scores[row] = _only(scores[row], allowed)
        return scores

    def _allowed(self, row: int, written: list[int], scores: torch.Tensor) -> list[int] | None:
        """Return the tokens that the row may write next; None for any."""
        writing = self.writing[row]
        if writing is None:
            said = self.reader.read(written, self.inside[row])
            ways = self.ways(tuple(self.words[row]), said.open)
            if not ways or found(said.text, self.words[row]):
                return None
            left = self.room - len(written)
            if left > max(len(way) for way in ways) and int(scores.argmax()) not in self.ends:
                return None
            writing = [way for way in ways if len(way) <= left]
        else:
            writing = [way[1:] for way in writing if way[0] == written[-1]]
            if any(not way for way in writing):
                self.writing[row] = None
                return [self._apart(written, scores)]
        self.writing[row] = writing or None
        return sorted({way[0] for way in writing}) or None

    def _apart(self, written: list[int], scores: torch.Tensor) -> int:
        """Return the likeliest token that ends the answer or does not go on with its last word."""
        decode = self.reader.tokenizer.decode
        before = decode(written)
        for token in scores.argsort(descending=True, stable=True).tolist():
            more = decode([*written, token])[len(before) :]
            if token in self.ends or not _LETTER.match(more):
                return int(token)
        return self.ends[0]

    def _ways(self, words: Sequence[str], closing: str | None) -> list[list[int]]:
        """Return the token sequences that write one of `words` as a word of its own after other text.

        Before it stands the closing tag of a thinking that is still open, if there is one.
        """
        before = self._plain("a")
        ways = []
        for word in words:
            for text in (f" {word}", word):
                tokens = self._plain(f"{closing or ''}{text}")
                if 0 < len(tokens) <= self.room and found(self.reader.read([*before, *tokens], closing).text, [word]):
                    ways.append(tokens)
                    break
        return ways

    def _plain(self, text: str) -> list[int]:
        tokens: list[int] = self.reader.tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens


def _only(scores: torch.Tensor, tokens: list[int]) -> torch.Tensor:
    """Return scores (.., V) with every token but `tokens` ruled out."""
    ruled = torch.full_like(scores, -math.inf)
    ruled[..., tokens] = scores[..., tokens].clamp_min(torch.finfo(scores.dtype).min)
    return ruled
