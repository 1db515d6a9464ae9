"""The options of a closed question: which tokens write them, and the share of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

#: Digits of a probability: what float32 holds. Behind them processors differ, also where they compute in float64.
DIGITS = 7


def ways(tokenizer: Any, option: str) -> list[list[int]]:
    """Return the token sequences that write an option: with and without a space before, the shortest ones."""
    both = {tuple(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in (option, f" {option}")}
    shortest = min(len(way) for way in both)
    return [list(way) for way in sorted(both) if len(way) == shortest]


def shares(options: Sequence[str], logs: Sequence[Sequence[float]]) -> dict[str, float]:
    """Return the share of each option, renormalised over them, from the log-probabilities of its ways.

    By plain arithmetic: torch takes another exponential for the last few numbers of a tensor than for the others.
    """
    most = max(map(max, logs))
    weights = [sum(math.exp(way - most) for way in ways) for ways in logs]
    return {option: round(weight / sum(weights), DIGITS) for option, weight in zip(options, weights, strict=True)}
