"""Several questions about a clip in one row: its images are read once, and no question sees another.

A row is the images' tokens, then question and answer, question and answer, each padded to a slot that is as wide in all
rows. A question attends to the images and to itself, and its places count on from the images', as if it were asked
alone. A question without images attends to itself only, and its places begin at 0. A question that stands before the
images is alone in its row: it is part of what is read first, and only the turn that answers it follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F
from transformers import AttentionInterface

from stages.pretrain.blank import END, IMAGE
from stages.pretrain.lessons import Lesson

IGNORED = -100


class Slot(NamedTuple):
    """The same stretch of tokens in every row: the images first, then a question with its answer each."""

    width: int
    mask: torch.Tensor
    """(B, 1, width, images + width), bool: whether a token (third axis) attends to one of the images or of its own
    slot (fourth)."""


class Packed(NamedTuple):
    """B rows of L tokens, each slot padded on the right."""

    ids: torch.Tensor
    """(B, L): tokens."""
    wanted: torch.Tensor
    """(B, L): the answers' tokens, all else `IGNORED`."""
    places: torch.Tensor
    """(B, L): position of each token."""
    slots: list[Slot]
    """Their widths add up to L."""


class _Part(NamedTuple):
    """What a row has in a slot."""

    question: tuple[int, ...] = ()
    answer: tuple[int, ...] = ()
    first: int = 0
    """Position of its first token; of a question that sees images, their number."""


def pack(processor: Any, rows: Sequence[Sequence[Lesson]], visual: int) -> Packed:
    """Return rows of questions with their answers.

    Args:
        processor: tokenizer and chat template.
        rows: each clip's questions, as many for each.
        visual: visual tokens of a clip.
    """
    made = [_parts(processor, lessons, visual) for lessons in rows]
    slots = list(zip(*made, strict=True))
    widths = [max(len(part.question) + len(part.answer) for part in slot) for slot in slots]
    pad = processor.tokenizer.pad_token_id

    def padded(part: _Part, width: int) -> tuple[list[int], list[int], list[int]]:
        asked, told = len(part.question), len(part.answer)
        left = width - asked - told
        return (
            [*part.question, *part.answer, *[pad] * left],
            [*[IGNORED] * asked, *part.answer, *[IGNORED] * left],
            [*range(part.first, part.first + asked + told), *[0] * left],
        )

    columns = [[padded(part, width) for part in slot] for slot, width in zip(slots, widths, strict=True)]
    ids, wanted, places = (
        torch.cat([torch.tensor([row[which] for row in column], dtype=torch.long) for column in columns], 1)
        for which in range(3)
    )
    masks = [
        _mask(slot, width, widths[0] if number else 0)
        for number, (slot, width) in enumerate(zip(slots, widths, strict=True))
    ]
    return Packed(ids, wanted, places, [Slot(*one) for one in zip(widths, masks, strict=True)])


def _mask(slot: Sequence[_Part], width: int, images: int) -> torch.Tensor:
    seen = torch.arange(images) < torch.tensor([part.first for part in slot])[:, None]  # (B, images)
    own = torch.ones(width, width, dtype=torch.bool).tril()
    count = len(slot)
    return torch.cat([seen[:, None, None].expand(count, 1, width, images), own.expand(count, 1, width, width)], 3)


def _parts(processor: Any, lessons: Sequence[Lesson], visual: int) -> list[_Part]:
    shown = _Part()
    first = next((lesson for lesson in lessons if lesson.sees), None)
    if first is not None:
        assert not first.text_first or len(lessons) == 1, "what stands before the images is read by all of the row"
        # What stands before the images is the same for all others.
        text, _ = _worded(processor, first if first.text_first else Lesson("", "", True))
        shown = _Part(_ids(processor, text.replace(IMAGE, IMAGE * visual)))
    parts = [shown]
    for lesson in lessons:
        _, asked = _worded(processor, lesson)
        answer = _ids(processor, lesson.answer + END)
        parts.append(_Part(_ids(processor, asked), answer, len(shown.question) if lesson.sees else 0))
    return parts


@contextmanager
def attending(model: Any) -> Iterator[None]:
    """Let a language model attend slot by slot; its `attention_mask` is then `{"full_attention": slots}`.

    Attention over whole rows with a mask gives the same, but most of its products are of questions with each other,
    and it took more than half of the time of a step.
    """
    before = model.config._attn_implementation
    model.config._attn_implementation = _BY_SLOT
    try:
        yield
    finally:
        model.config._attn_implementation = before


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: list[Slot],
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Return what (B, heads, L, width) queries attend to, (B, L, heads, width), as transformers wants it."""
    widths = [slot.width for slot in attention_mask]
    queries, keys, values = (torch.split(one, widths, 2) for one in (query, key, value))
    attended = []
    for number, (asking, slot) in enumerate(zip(queries, attention_mask, strict=True)):
        seen = [0, number] if number else [0]
        attended.append(
            F.scaled_dot_product_attention(
                asking,
                torch.cat([keys[one] for one in seen], 2),
                torch.cat([values[one] for one in seen], 2),
                attn_mask=slot.mask,
                dropout_p=dropout,
                scale=scaling,
            )
        )
    return torch.cat(attended, 2).transpose(1, 2).contiguous(), None


_BY_SLOT = "by_slot"
AttentionInterface.register(_BY_SLOT, _attend)


@cache  # lessons repeat: packing a step takes 15 ms so, and 29 without
def _worded(processor: Any, lesson: Lesson) -> tuple[str, str]:
    """Return a user's turn by the chat template: up to its images, and from there on to where the answer begins."""
    content = [{"type": "text", "text": lesson.question}]
    if lesson.sees:
        image = [{"type": "image"}]
        content = [*content, *image] if lesson.text_first else [*image, *content]
    turn = [{"role": "user", "content": content}]
    text: str = processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
    before, image_token, after = text.partition(IMAGE)
    return (before + image_token, after) if lesson.sees else ("", text)


@cache
def _ids(processor: Any, text: str) -> tuple[int, ...]:
    return tuple(processor.tokenizer(text)["input_ids"])
