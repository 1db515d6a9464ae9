"""What is asked: a control, and the classes among which a method chooses under it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from stages.controls.params import ControlsParams
from stages.learn.data import Clip, Fold, Task

#: What is done to a clip that stays as it is.
NONE = "none"


class Question(NamedTuple):
    """Asked of the clips of the classes `among`."""

    control: str
    among: tuple[str, ...]


class Method(Protocol):
    """What names clips."""

    name: str
    protocol: str
    passed: frozenset[str]
    """Controls that say nothing about it."""

    def named(self, task: Task, fold: Fold, questions: Sequence[Question]) -> Iterator[tuple[Question, Clip, str]]:
        """Yield the class that each question's test clips of a fold are named, in any order."""
        ...


def questions(params: ControlsParams, classes: Sequence[str], passed: frozenset[str]) -> list[Question]:
    """Return all questions of a table in its order: of all classes, then of each pair, the clips as they are first."""
    asked = [Question(control, tuple(classes)) for control in (NONE, *params.everywhere)]
    asked += [Question(control, pair) for pair in params.pairs for control in (NONE, *params.in_pairs)]
    return [question for question in asked if question.control not in passed]


def wanted(clip: Clip, questions: Sequence[Question]) -> list[str]:
    """Return the controls under which a clip is looked at."""
    return list(dict.fromkeys(question.control for question in questions if clip.labels[0] in question.among))
