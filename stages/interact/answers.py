"""Both turns asked of a trained model, and how likely it is to name each class where one word is asked."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch

from stages.interact.conversation import Conversation
from stages.interact.model import Interaction
from stages.interact.source import Streamed

#: Classes that are weighed at once.
_AT_ONCE = 32


class Said(NamedTuple):
    """What a model said of a clip."""

    description: str
    word: str
    logs: list[float]
    """Log-probability of each class's words as the one word, its end included."""
    tokens_in: int
    tokens_out: int
    ended: str
    """length where one of the two answers was cut, else stop."""


@torch.no_grad()
def answers(
    model: Interaction,
    conversation: Conversation,
    source: Streamed,
    words: Sequence[str],
    longest: tuple[int, int],
    batch: int,
    device: torch.device,
) -> list[Said]:
    """Return what a model says of each clip, greedily; the second turn has the first with its answer before it.

    Args:
        model: in inference.
        conversation: of the model.
        source: N clips.
        words: of the classes.
        longest: most tokens of each answer.
        batch: clips at once; those of one batch have prompts of one length, and no neighbour changes a clip's answer.
        device: where the learnt half is.
    """
    model.eval()
    tokens: list[dict[str, torch.Tensor]] = []  # of each clip: stream -> (1, queries, width)
    for start in range(0, len(source), batch):
        indices = range(start, min(start + batch, len(source)))
        given = source.inputs(indices, None, device)
        of_batch = model.tokens(given["features"], given["seen"])
        tokens += [{name: one[row : row + 1] for name, one in of_batch.items()} for row in range(len(indices))]
    first = [conversation.asked()] * len(source)
    turns = conversation.in_order(*longest)
    one = _write(model, conversation, first, tokens, turns[0], batch)
    said = [conversation.read(written) for written in one]
    second = [conversation.asked(text) for text in said]
    two = _write(model, conversation, second, tokens, turns[1], batch)

    @cache  # where the class is asked first they are the same for all clips
    def ways(*before: str) -> list[list[int]]:
        return [conversation.answer_ids(name, *before) for name in words]

    found = []
    for place, written in enumerate(zip(one, two, strict=True)):
        description, word = conversation.in_order(said[place], conversation.read(written[1]))
        before, prompt = ((), first[place]) if conversation.names_first else ((said[place],), second[place])
        found.append(
            Said(
                description,
                word,
                likelihoods(model, prompt, tokens[place], ways(*before)),
                len(second[place]),
                sum(map(len, written)),
                "stop" if all(ids and ids[-1] in conversation.ends for ids in written) else "length",
            )
        )
    return found


def _alike(prompts: Sequence[Sequence[int]], batch: int) -> Iterator[list[int]]:
    """Yield the places of prompts of one length, at most `batch` at once."""
    by_length: dict[int, list[int]] = {}
    for place, prompt in enumerate(prompts):
        by_length.setdefault(len(prompt), []).append(place)
    for places in by_length.values():
        yield from (places[start : start + batch] for start in range(0, len(places), batch))


def _write(
    model: Interaction,
    conversation: Conversation,
    prompts: Sequence[Sequence[int]],
    tokens: Sequence[Mapping[str, torch.Tensor]],
    longest: int,
    batch: int,
) -> list[list[int]]:
    """Return what the language model writes after each of N clips' prompts, up to the token that ends it."""
    found: dict[int, list[int]] = {}
    pad = conversation.tokenizer.pad_token_id
    for places in _alike(prompts, batch):
        shown = {name: torch.cat([tokens[place][name] for place in places]) for name in tokens[0]}
        device = next(iter(shown.values())).device
        embedded = model.embedded(torch.tensor([prompts[place] for place in places], device=device), shown)
        out = model.language.generate(
            inputs_embeds=embedded,
            attention_mask=torch.ones(embedded.shape[:2], dtype=torch.int64, device=device),
            do_sample=False,
            max_new_tokens=longest,
            eos_token_id=conversation.ends,
            pad_token_id=conversation.ends[0] if pad is None else pad,
        )
        for place, row in zip(places, out.tolist(), strict=True):
            end = next((at for at, token in enumerate(row) if token in conversation.ends), len(row) - 1)
            found[place] = row[: end + 1]
    return [found[place] for place in range(len(prompts))]


@torch.no_grad()
def likelihoods(
    model: Interaction, prompt: Sequence[int], tokens: Mapping[str, torch.Tensor], ways: Sequence[Sequence[int]]
) -> list[float]:
    """Return the log-probability of each of `ways`, token sequences, after one clip's prompt.

    The prompt is read once; a way's tokens follow it, those of shorter ways with padding behind them.
    """
    device = next(iter(tokens.values())).device
    read = model.language(inputs_embeds=model.embedded(torch.tensor([prompt], device=device), tokens), use_cache=True)
    first = _logs(read.logits[:, -1])  # (1, V)
    found: list[float] = []
    for start in range(0, len(ways), _AT_ONCE):
        part = ways[start : start + _AT_ONCE]
        longest = max(map(len, part))
        ids = torch.tensor([[*way, *[0] * (longest - len(way))] for way in part], device=device)
        cache: Any = copy.deepcopy(read.past_key_values)
        cache.batch_repeat_interleave(len(part))
        after = _logs(model.language(input_ids=ids, past_key_values=cache, use_cache=True).logits[:, :-1])
        steps = torch.cat([first.to(after.device).expand(len(part), 1, -1), after], 1)  # (ways, longest, V)
        each = steps.gather(2, ids.to(after.device).unsqueeze(2)).squeeze(2).tolist()
        found += [sum(row[: len(way)]) for row, way in zip(each, part, strict=True)]
    return found


def _logs(logits: torch.Tensor) -> torch.Tensor:
    return logits.double().log_softmax(-1)
