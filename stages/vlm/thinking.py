"""What a model thought and what it answered: the one place where the two are told apart.

Models that think write it before the answer, between tags of their own; no metric, keyword or closed question may read
it. A pair's opening tag is an empty text where the server's chat template writes it into the prompt: without a closing
tag the whole text is then thinking.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from stages.vlm.base import Answer
from stages.vlm.constraint import found

Tags = Sequence[tuple[str, str]]

#: Pairs of the usual models, as their chat templates write them.
TAGS: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),  # Qwen, DeepSeek, GLM-V, Nemotron
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi-VL
    ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),  # gpt-oss
    ("<|channel>thought", "<channel|>"),  # Gemma
)


class Parted(NamedTuple):
    """A text without its thinking."""

    answer: str
    """What is left, without white space around it."""
    thinking: str | None
    """What was thought; null where there are no tags."""
    open: str | None
    """The closing tag that is still to come where the text ends within the thinking; else null."""
    begins: int
    """Place in the text behind the last tag; 0 where there are no tags."""


def part(text: str, tags: Tags, inside: str | None = None) -> Parted:
    """Return a text's answer and its thinking.

    An opening tag that nothing closes: all behind it is thinking. A closing tag that nothing opened: all before it is,
    for the prompt's end opened it. Case does not matter. A pair's tags belong together: between them other tags are
    text.

    Args:
        text: as the model wrote it.
        tags: pairs of an opening and a closing tag.
        inside: the closing tag of a pair that the prompt's end has opened; null where it has not, or nobody knows.
    """
    if inside is None:
        inside = next((closing for opening, closing in tags if not opening), None)
    closed_by, closings = inside, {closing.lower() for _, closing in tags}
    answer: list[str] = []
    thinking: list[str] = []
    start = 0
    for match in _finditer(text, tags):
        tag, before = match[0].lower(), text[start : match.start()]
        if closed_by is not None:
            if tag != closed_by.lower():
                continue
            thinking.append(before)
            closed_by = None
        elif tag in closings:
            thinking += [*answer, before]
            answer = []
        else:
            answer.append(before)
            closed_by = next(closing for opening, closing in tags if opening.lower() == tag)
        start = match.end()
    (answer if closed_by is None else thinking).append(text[start:])
    said = [piece.strip() for piece in thinking if piece.strip()]
    whole = " ".join(piece.strip() for piece in answer if piece.strip())
    return Parted(whole, "\n\n".join(said) or None, closed_by, len(text) if closed_by is not None else start)


def opened(prompt: str, tags: Tags) -> str | None:
    """Return the closing tag that a prompt's end leaves to come: its template opened the thinking. Null for none."""
    end = prompt.rstrip().lower()
    return next((closing for opening, closing in tags if opening and end.endswith(opening.lower())), None)


def _finditer(text: str, tags: Tags) -> Iterator[re.Match[str]]:
    known = sorted({tag for pair in tags for tag in pair if tag}, key=len, reverse=True)
    return re.finditer("|".join(map(re.escape, known)), text, re.IGNORECASE) if known else iter(())


class Spoken(NamedTuple):
    """What tokens say."""

    text: str
    """The answer, special tokens removed."""
    thinking: str | None
    tokens_thinking: int | None
    """Tokens of the thinking, its tags among them; null where there is none."""
    open: str | None
    """As of `Parted`."""


class Reader:
    """Tokens to answer and thinking, of one tokenizer: some models' tags are special tokens, which decoding drops."""

    def __init__(self, tokenizer: Any, tags: Tags) -> None:
        self.tokenizer, self.tags = tokenizer, tags

    def opened(self, prompt: Sequence[int]) -> str | None:
        """Return the closing tag that a prompt's tokens leave to come; null for none."""
        return opened(self._raw(prompt[-32:]), self.tags) if self.tags else None

    def read(self, tokens: Sequence[int], inside: str | None = None) -> Spoken:
        """Return what a model's new tokens say; `inside` is what `opened` says of the prompt."""
        parted = part(self._raw(tokens), self.tags, inside) if self.tags else None
        if parted is None or not (parted.begins or parted.open):
            return Spoken(self.tokenizer.decode(tokens, skip_special_tokens=True).strip(), None, None, None)
        # As many tokens as it takes to write the last tag.
        count = bisect_left(range(len(tokens)), parted.begins, key=lambda given: len(self._raw(tokens[:given])))
        thinking = self._plain(parted.thinking or "") or None
        return Spoken(self._plain(parted.answer), thinking, count, parted.open)

    def answer(
        self,
        prompt: Sequence[int],
        tokens: Sequence[int],
        ended: str,
        p: Mapping[str, float] | None,
        must_hold: Sequence[str],
    ) -> Answer:
        """Return the answer that a model's new tokens are; its status is error where it lacks the words it must hold.

        Args:
            prompt: its tokens, those of media among them.
            tokens: those that the model wrote, its end included where it came to one.
            ended: stop or length.
            p: share of each option as the prompt leaves them; after thinking it is none of the answer's.
            must_hold: words of which the answer holds one; empty for any answer.
        """
        said = self.read(tokens, self.opened(prompt))
        answer = Answer(said.text, "ok", None, len(prompt), len(tokens), p, ended)
        if said.tokens_thinking is not None:
            told = "no shares of the options: the model thought before it answered" if p else None
            answer = answer._replace(p=None, detail=told, thinking=said.thinking, tokens_thinking=said.tokens_thinking)
        if must_hold and not found(said.text, must_hold):
            why = f"the model's tokens cannot write any of {list(must_hold)}"
            return answer._replace(status="error", detail=why)
        return answer

    def _raw(self, tokens: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=False)
        return text

    def _plain(self, text: str) -> str:
        return self._special.sub("", text).strip()

    @cached_property
    def _special(self) -> re.Pattern[str]:
        names = sorted(self.tokenizer.all_special_tokens, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, names)))
