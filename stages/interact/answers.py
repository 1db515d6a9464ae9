"""Both turns asked of a trained model, and how likely it is to name each class in the second."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
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
    """Log-probability of each class's words as the second answer, its end included."""
    tokens_in: int
    tokens_out: int
    ended: str
    """length where one of the two answers was cut, else stop."""


class _Clip(NamedTuple):
    tokens: dict[str, torch.Tensor]
    """Stream -> (1, queries, width)."""
    written: list[int]
    """Tokens of the description."""


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
    clips: list[_Clip] = []
    first = conversation.asked()
    for start in range(0, len(source), batch):
        indices = range(start, min(start + batch, len(source)))
        given = source.inputs(indices, None, device)
        tokens = model.tokens(given["features"], given["seen"])
        written = _write(model, conversation, [first] * len(indices), tokens, longest[0])
        for row, ids in enumerate(written):
            clips.append(_Clip({name: value[row : row + 1] for name, value in tokens.items()}, ids))
    descriptions = [conversation.read(clip.written) for clip in clips]
    second = [conversation.asked(description) for description in descriptions]
    spoken: dict[int, list[int]] = {}
    for places in _alike(second, batch):
        tokens = {name: torch.cat([clips[place].tokens[name] for place in places]) for name in clips[0].tokens}
        written = _write(model, conversation, [second[place] for place in places], tokens, longest[1])
        spoken |= dict(zip(places, written, strict=True))
    found = []
    for place, clip in enumerate(clips):
        ways = [conversation.word_ids(word, second[place], descriptions[place]) for word in words]
        whole = all(ids and ids[-1] in conversation.ends for ids in (clip.written, spoken[place]))
        found.append(
            Said(
                descriptions[place],
                conversation.read(spoken[place]),
                likelihoods(model, second[place], clip.tokens, ways),
                len(second[place]),
                len(clip.written) + len(spoken[place]),
                "stop" if whole else "length",
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
    tokens: Mapping[str, torch.Tensor],
    longest: int,
) -> list[list[int]]:
    """Return what the language model writes after each of B prompts of one length."""
    device = next(iter(tokens.values())).device
    embedded = model.embedded(torch.tensor(prompts, device=device), tokens)
    pad = conversation.tokenizer.pad_token_id
    out = model.language.generate(
        inputs_embeds=embedded,
        attention_mask=torch.ones(embedded.shape[:2], dtype=torch.int64, device=device),
        do_sample=False,
        max_new_tokens=longest,
        eos_token_id=conversation.ends,
        pad_token_id=conversation.ends[0] if pad is None else pad,
    )
    found = []
    for row in out.tolist():
        end = next((place for place, token in enumerate(row) if token in conversation.ends), len(row) - 1)
        found.append(row[: end + 1])
    return found


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
