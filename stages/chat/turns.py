"""What is asked and answered about a clip of two people: describe, then one word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

#: The questions of the paper's Fig. 1.
DESCRIBE = "Describe interaction between <p1> and <p2> in <bg>?"
ONE_WORD = "Describe the activity in one word."
#: What stands in the first question for each of the three videos; the background is optional.
P1, P2, BG = "<p1>", "<p2>", "<bg>"
HUMAN, GPT = "human", "gpt"


class Turn(NamedTuple):
    """A message of a conversation."""

    speaker: str
    """human or gpt; `from` in JSON."""
    value: str


def conversation(narration: str, words: Sequence[str]) -> list[Turn]:
    """Return the two turns about a clip: a sentence that tells it, and its class (or classes) in words."""
    return [Turn(HUMAN, DESCRIBE), Turn(GPT, narration), Turn(HUMAN, ONE_WORD), Turn(GPT, ", ".join(words))]
