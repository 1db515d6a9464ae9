"""Several questions about a clip in one row: its images are read once, and no question sees another.

A row is the images' tokens, then question and answer, question and answer. A question attends to the images and to
itself, and its places count on from the images', as if it were asked alone. A question without images attends to itself
only, and its places begin at 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import torch

from stages.pretrain.blank import END, IMAGE
from stages.pretrain.lessons import Lesson

IGNORED = -100


class Packed(NamedTuple):
    """B rows of L tokens, padded on the right."""

    ids: torch.Tensor
    """(B, L): tokens."""
    wanted: torch.Tensor
    """(B, L): the answers' tokens, all else `IGNORED`."""
    places: torch.Tensor
    """(B, L): position of each token."""
    mask: torch.Tensor
    """(B, 1, L, L), bool: whether a token (third axis) attends to another (fourth)."""


class _Row(NamedTuple):
    ids: list[int]
    wanted: list[int]
    places: list[int]
    part: list[int]
    """0 for the images, k for the k-th question, negative where that does not see the images."""


def pack(processor: Any, rows: Sequence[Sequence[Lesson]], visual: int) -> Packed:
    """Return rows of questions with their answers.

    Args:
        processor: tokenizer and chat template.
        rows: each clip's questions.
        visual: visual tokens of a clip.
    """
    made = [_row(processor, lessons, visual) for lessons in rows]
    longest = max(len(row.ids) for row in made)

    def padded(rows: list[list[int]], filler: int) -> torch.Tensor:
        return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])

    pad = 1 + max(max(row.part) for row in made)  # what pads attends to itself, since everything must to something
    part = padded([row.part for row in made], pad)
    same = part.unsqueeze(2) == part.unsqueeze(1)
    images = (part.unsqueeze(2) > 0) & (part.unsqueeze(2) < pad) & (part.unsqueeze(1) == 0)
    before = torch.ones(longest, longest, dtype=torch.bool).tril()
    return Packed(
        padded([row.ids for row in made], processor.tokenizer.pad_token_id),
        padded([row.wanted for row in made], IGNORED),
        padded([row.places for row in made], 0),
        ((same | images) & before).unsqueeze(1),
    )


def _row(processor: Any, lessons: Sequence[Lesson], visual: int) -> _Row:
    row = _Row([], [], [], [])
    if any(lesson.sees for lesson in lessons):
        shown, _ = _worded(processor, Lesson("", "", True))
        _add(row, _ids(processor, shown.replace(IMAGE, IMAGE * visual)), (), 0, 0)
    images = len(row.ids)
    for number, lesson in enumerate(lessons, 1):
        _, asked = _worded(processor, lesson)
        answer = _ids(processor, lesson.answer + END)
        _add(row, _ids(processor, asked), answer, images if lesson.sees else 0, number if lesson.sees else -number)
    return row


def _add(row: _Row, question: tuple[int, ...], answer: tuple[int, ...], first: int, part: int) -> None:
    count = len(question) + len(answer)
    row.ids.extend(question + answer)
    row.wanted.extend((IGNORED,) * len(question) + answer)
    row.places.extend(range(first, first + count))
    row.part.extend([part] * count)


@cache  # lessons repeat: packing a step takes 15 ms of some 540 so, and 29 without
def _worded(processor: Any, lesson: Lesson) -> tuple[str, str]:
    """Return a user's turn by the chat template: up to its images, and from there on to where the answer begins."""
    content = [{"type": "text", "text": lesson.question}]
    turn = [{"role": "user", "content": [{"type": "image"}, *content] if lesson.sees else content}]
    text: str = processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
    before, image, after = text.partition(IMAGE)
    return (before + image, after) if lesson.sees else ("", text)


@cache
def _ids(processor: Any, text: str) -> tuple[int, ...]:
    return tuple(processor.tokenizer(text)["input_ids"])
