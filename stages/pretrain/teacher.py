"""What is asked in each step: which clips, of which scene, which questions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from stages.pretrain.frames import Clips
from stages.pretrain.lessons import LESSONS, Activity, Lesson, Topic
from stages.pretrain.params import LanguagePhase
from stages.pretrain.table_lessons import TABLE_LESSONS, Deeds

#: What may be asked before the frames are shown: a model with a head reads them in the light of such a question.
_FIRST = ("describe", "one_class")


class Teacher:
    """Draws clips and questions; a scene has as many steps as its share of the clips."""

    def __init__(self, clips: Clips, phase: LanguagePhase) -> None:
        """Bind clips."""
        self.phase = phase
        self._topics = clips.topics
        self._label = clips.targets["label"].numpy()
        self._scenes = [np.flatnonzero(kept) for kept in (~clips.of_table.numpy(), clips.of_table.numpy())]

    def step(self, rng: np.random.Generator) -> tuple[NDArray[np.int64], list[list[Lesson]]]:
        """Return a step's clips (B,), and the questions about each."""
        table = rng.random() * len(self._label) < len(self._scenes[1])
        scene, lessons = self._scenes[int(table)], TABLE_LESSONS if table else LESSONS
        picked = scene[rng.integers(len(scene), size=self.phase.batch)]
        first = rng.random() < self.phase.text_first
        kinds = list(_FIRST) if first else list(lessons)
        shares = np.array([lessons[kind][1] for kind in kinds])
        asked = rng.choice(kinds, size=1 if first else self.phase.questions, p=shares / shares.sum())
        rows = [[self._lesson(str(kind), int(clip), rng) for kind in asked] for clip in picked]
        return picked, [[lesson._replace(text_first=first) for lesson in row] for row in rows]

    def _lesson(self, kind: str, clip: int, rng: np.random.Generator) -> Lesson:
        return lesson(kind, self._topics[self._label[clip]], self._topics, rng)


def lesson(kind: str, topic: Topic, topics: Sequence[Topic], rng: np.random.Generator) -> Lesson:
    """Return a lesson about what a clip shows, among `topics` that there are."""
    if isinstance(topic, Deeds):
        return TABLE_LESSONS[kind][0](topic, rng)
    assert isinstance(topic, Activity)
    others = [other for other in topics if isinstance(other, Activity) and other != topic]
    return LESSONS[kind][0](topic, others, rng)


def every_kind(topics: Sequence[Topic], rng: np.random.Generator, times: int) -> Iterable[Lesson]:
    """Yield lessons of every kind about every topic."""
    for topic in topics:
        for kind in TABLE_LESSONS if isinstance(topic, Deeds) else LESSONS:
            for _ in range(times):
                yield lesson(kind, topic, topics, rng)
