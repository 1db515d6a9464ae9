"""What the embedded VLM is taught to say of a resuscitation table, where several activities take place at once or none.

As in `lessons.py` the questions are worded as the default prompts of the rooms that ask them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from stages.labels.words import in_words
from stages.pretrain.lessons import Lesson, yes

BABY = "baby_visible"
#: The classes, in the order in which an answer names them.
LABELS = (BABY, "ventilation", "stimulation", "suction")


class Deeds(NamedTuple):
    """What takes place at a table."""

    labels: tuple[str, ...]
    """Some of `LABELS`, in their order."""

    @property
    def label(self) -> str:
        """One name for all of it, as a class that vision learns."""
        return "table: " + (", ".join(self.labels) or "nothing")


def caption(deeds: Deeds) -> str:
    """Return the sentence that describes what takes place."""
    if not deeds.labels:
        return "The table is empty."
    done = " and ".join(in_words(label) for label in deeds.labels if label != BABY)
    return f"A baby lies on the table, with {done}." if done else "A baby lies on the table."


def describe(deeds: Deeds, rng: np.random.Generator) -> Lesson:
    """Free description."""
    return Lesson("Describe the activity in one sentence.", caption(deeds), True)


def choose(deeds: Deeds, rng: np.random.Generator) -> Lesson:
    """Choose from a list of two or more of the classes, in any order; the answer keeps the list's."""
    listed = [LABELS[i] for i in rng.permutation(len(LABELS))[: int(rng.integers(2, len(LABELS) + 1))]]
    words = ", ".join(map(in_words, listed))
    question = (
        f"Which of these activities are shown: {words}? Answer with those that are, in the same words, separated by "
        "commas, or with: none."
    )
    return Lesson(question, ", ".join(in_words(label) for label in listed if label in deeds.labels) or "none", True)


def one_class(deeds: Deeds, rng: np.random.Generator) -> Lesson:
    """A yes/no question about one class."""
    asked = _asked(deeds, rng)
    return Lesson(f"Is this activity shown: {in_words(asked)}? Answer Yes or No.", yes(asked in deeds.labels), True)


def judge_text(deeds: Deeds, rng: np.random.Generator) -> Lesson:
    """Whether a caption, alone, says that a class takes place."""
    asked = _asked(deeds, rng)
    question = (
        f'A video is described as: "{caption(deeds)}" Is this activity taking place: {in_words(asked)}? '
        "Answer Yes or No."
    )
    return Lesson(question, yes(asked in deeds.labels), False)


Make = Callable[[Deeds, np.random.Generator], Lesson]

#: Each kind of lesson with its share of the steps about tables.
TABLE_LESSONS: dict[str, tuple[Make, float]] = {
    "describe": (describe, 0.25),
    "one_class": (one_class, 0.35),
    "choose": (choose, 0.25),
    "judge_text": (judge_text, 0.15),
}


def _asked(deeds: Deeds, rng: np.random.Generator) -> str:
    """Return a class; half of the questions are about one that takes place, where any does."""
    pool: Sequence[str] = deeds.labels if rng.random() < 0.5 else [name for name in LABELS if name not in deeds.labels]
    pool = pool or LABELS
    return pool[int(rng.integers(len(pool)))]
