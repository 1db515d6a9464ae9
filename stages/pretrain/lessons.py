"""What the embedded VLM is taught to read and write: questions and answers made from what the simulator knows.

The questions are worded as the default prompts of the rooms that ask them (describe, list, per class, judge, reference
captions). They are written out here, because another wording there shall not train another model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from stages.labels.words import in_words


class Activity(NamedTuple):
    """A class that the model sees: its label, its phrase and what that consists of."""

    label: str
    phrase: str
    verb: str
    object: str | None


class Topic(Protocol):
    """What a clip shows, as lessons speak of it."""

    @property
    def label(self) -> str:
        """The class that vision learns."""
        ...


class Lesson(NamedTuple):
    """One question with its answer; `sees` tells whether the clip's frames are shown."""

    question: str
    answer: str
    sees: bool
    text_first: bool = False
    """The question stands before the frames, which then are read in its light; alone in its row."""


def caption(activity: Activity) -> str:
    """Return the sentence that describes an activity."""
    return f"The person is {activity.phrase}."


def describe(activity: Activity, others: Sequence[Activity], rng: np.random.Generator) -> Lesson:
    """Free description."""
    return Lesson("Describe the activity in one sentence.", caption(activity), True)


def choose(activity: Activity, others: Sequence[Activity], rng: np.random.Generator) -> Lesson:
    """Choose from a list, which has any number of the other classes, in any order."""
    count = int(rng.integers(min(3, len(others)), len(others) + 1))  # a small corpus may have fewer than three
    listed = [in_words(activity.label), *(in_words(others[i].label) for i in rng.permutation(len(others))[:count])]
    words = ", ".join(listed[i] for i in rng.permutation(len(listed)))
    question = f"Which of these activities is shown: {words}? Answer with one of them, in the same words."
    return Lesson(question, in_words(activity.label), True)


def one_class(activity: Activity, others: Sequence[Activity], rng: np.random.Generator) -> Lesson:
    """A yes/no question about one class."""
    asked, answer = _true_or_false(activity, others, rng)
    return Lesson(f"Is this activity shown: {in_words(asked.label)}? Answer Yes or No.", yes(answer), True)


def judge(activity: Activity, others: Sequence[Activity], rng: np.random.Generator) -> Lesson:
    """Whether a prediction describes the same activity as reference and image."""
    asked, answer = _true_or_false(activity, others, rng)
    question = (
        f'Reference: "{caption(activity)}" Prediction: "{_said(asked, rng)}" Does the prediction describe the same '
        "activity as the reference and the image? Answer only True or False."
    )
    return Lesson(question, "True" if answer else "False", True)


def judge_text(activity: Activity, others: Sequence[Activity], rng: np.random.Generator) -> Lesson:
    """Whether a caption, alone, says that a class takes place."""
    asked, answer = _true_or_false(activity, others, rng)
    question = (
        f'A video is described as: "{_said(activity, rng)}" Is this activity taking place: '
        f"{in_words(asked.label)}? Answer Yes or No."
    )
    return Lesson(question, yes(answer), False)


def hinted(activity: Activity, others: Sequence[Activity], rng: np.random.Generator) -> Lesson:
    """A reference caption: the label and keywords are given, the sentence has to hold one of them."""
    own = [word for word in activity.phrase.split() if len(word) > 2]
    stray = [
        word for other in (others[int(rng.integers(len(others)))] for _ in range(4)) for word in other.phrase.split()
    ]
    words = [*own, *stray[: int(rng.integers(2, 8))]]
    listed = ", ".join(words[i] for i in rng.permutation(len(words)))
    question = (
        f"The activity is: {in_words(activity.label)}. Describe it in one sentence with one of these words: {listed}."
    )
    return Lesson(question, caption(activity), True)


Make = Callable[[Activity, Sequence[Activity], np.random.Generator], Lesson]

#: Each kind of lesson with its share of the steps.
LESSONS: dict[str, tuple[Make, float]] = {
    "describe": (describe, 0.2),
    "one_class": (one_class, 0.22),
    "choose": (choose, 0.15),
    "judge": (judge, 0.18),
    "hinted": (hinted, 0.1),
    "judge_text": (judge_text, 0.15),
}


def _true_or_false(activity: Activity, others: Sequence[Activity], rng: np.random.Generator) -> tuple[Activity, bool]:
    """Return the activity itself, or another one; half of the others share the verb or the object, where some do."""
    if rng.random() < 0.5:
        return activity, True
    near = [
        other for other in others if other.verb == activity.verb or (other.object and other.object == activity.object)
    ]
    pool = near if near and rng.random() < 0.5 else others
    return pool[int(rng.integers(len(pool)))], False


def _said(activity: Activity, rng: np.random.Generator) -> str:
    """Return one way in which a model may describe the activity."""
    ways = (caption(activity), f"The person is {in_words(activity.label)}.", f"A person {in_words(activity.label)}")
    return ways[int(rng.integers(len(ways)))]


def yes(answer: bool) -> str:
    """Return a closed answer in words."""
    return "Yes" if answer else "No"
