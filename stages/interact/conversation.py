"""Two turns about a clip as tokens, by the language model's own chat template: describe and one word, in either order.

Placeholders of a prompt (`<p1>`, `<p2>`, `<bg>`, `<frames>`) become special tokens of a copy of the tokenizer, so that
a text is cut into tokens at once and as its template has it; then each is replaced by the slots of its stream's tokens.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import jinja2

from stages.base.errors import InputError
from stages.interact.model import SLOTS
from stages.interact.params import PLACES

T = TypeVar("T")


class Told(NamedTuple):
    """A conversation as tokens."""

    ids: list[int]
    """Token ids, and the slots of streams."""
    turns: list[int]
    """1 and 2 at the tokens of the first and the second answer, 0 elsewhere."""


class Conversation:
    """The questions of both turns, in a model's own words."""

    def __init__(
        self,
        tokenizer: Any,
        ends: Sequence[int],
        questions: tuple[str, str],
        streams: Sequence[str],
        queries: int,
        names_first: bool = False,
    ) -> None:
        """Bind them.

        Args:
            tokenizer: the language model's, with its chat template.
            ends: tokens that end an answer.
            questions: in the order of the turns; the first has a placeholder of each stream, the second none.
            streams: that are there.
            queries: tokens of a stream.
            names_first: whether the one word is the first turn, and the description the second.

        Raises:
            InputError: a placeholder is missing, twice there, or of a stream that there is not.
        """
        self.tokenizer, self.ends, self.questions = copy.deepcopy(tokenizer), list(ends), questions
        self.names_first = names_first
        self.tokenizer.add_special_tokens({"additional_special_tokens": list(PLACES)})
        known = self.tokenizer.convert_tokens_to_ids(list(PLACES))
        self._slots = {token: [SLOTS[stream]] * queries for token, stream in zip(known, PLACES.values(), strict=True)}
        key = "one_word" if names_first else "describe"
        for place, stream in PLACES.items():
            for question, wanted in zip(questions, (int(stream in streams), 0), strict=True):
                if question.count(place) != wanted:
                    raise InputError(
                        f"{place} stands {question.count(place)} times in the prompt {question!r}, and it has to stand "
                        f"there {wanted} times",
                        key=key,
                        do="name prompts for the streams and the order of turns that the recipe has "
                        "(stages/interact/prompts)",
                    )

    def in_order(self, description: T, word: T) -> tuple[T, T]:
        """Return what is of the description and of the one word in the order of the turns, or the reverse of it."""
        return (word, description) if self.names_first else (description, word)

    def asked(self, *said: str) -> list[int]:
        """Return the tokens up to where the model answers: the first turn, or, after its answer, the second.

        Raises:
            InputError: the chat template refuses it.
        """
        return self._slotted(self._ids(self._text(said, asks=True)))

    def told(self, *answers: str) -> Told:
        """Return the turns with their answers, to learn from; the token that ends an answer is learnt too.

        Raises:
            InputError: the chat template refuses it, or puts an answer elsewhere than the model writes it.
        """
        ids = self._ids(self._text(answers, asks=False))
        turns = [0] * len(ids)
        for number, answer in enumerate(answers, 1):
            asked = self._ids(self._text(answers[: number - 1], asks=True))
            start = len(asked)
            if ids[: start - 1] != asked[:-1]:  # the last may merge with the answer
                raise InputError(
                    "the chat template does not continue the question with the answer",
                    do="give the model a chat template whose assistant turn begins as the generation prompt does",
                )
            end = next((place for place in range(start, len(ids)) if ids[place] in self.ends), None)
            if end is None and number == len(answers):
                end, ids, turns = len(ids), [*ids, self.ends[0]], [*turns, 0]
            if end is None:
                raise InputError(
                    f"the chat template writes no end of the answer {answer!r}",
                    do="give the model a chat template that ends an assistant's turn with its end token",
                )
            turns[start : end + 1] = [number] * (end + 1 - start)
        return self._expanded(ids, turns)

    def answer_ids(self, answer: str, *said: str) -> list[int]:
        """Return the tokens of an answer and its end, as they follow `asked(*said)`."""
        told, turn = self.told(*said, answer), len(said) + 1
        return [one for one, of in zip(told.ids, told.turns, strict=True) if of == turn]

    def read(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens that the model wrote, up to the one that ends the answer."""
        end = next((place for place, token in enumerate(tokens) if token in self.ends), len(tokens))
        text: str = self.tokenizer.decode(list(tokens[:end]), skip_special_tokens=True)
        return text.strip()

    def _text(self, answers: Sequence[str], asks: bool) -> str:
        turns = []
        for number, question in enumerate(self.questions[: len(answers) + asks]):
            turns.append({"role": "user", "content": question})
            if number < len(answers):
                turns.append({"role": "assistant", "content": answers[number]})
        try:
            text: str = self.tokenizer.apply_chat_template(turns, add_generation_prompt=asks, tokenize=False)
        except (jinja2.TemplateError, ValueError) as error:
            raise InputError(f"the model's chat template refuses it: {error}", do="name another model") from None
        return text

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _slotted(self, ids: Sequence[int]) -> list[int]:
        return [one for token in ids for one in self._slots.get(token, [token])]

    def _expanded(self, ids: Sequence[int], turns: Sequence[int]) -> Told:
        pairs = [(one, turn) for token, turn in zip(ids, turns, strict=True) for one in self._slots.get(token, [token])]
        return Told([one for one, _ in pairs], [turn for _, turn in pairs])
