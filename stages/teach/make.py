"""A teacher from its recipe, whatever it is of: what it learns from is read, the rest is its own module's."""

from __future__ import annotations

from pathlib import Path

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.learn.data import read_task
from stages.teach import language, narrations, video
from stages.teach.language import Lessons, Taught
from stages.teach.params import Language, Narrations, Video
from stages.teachers.heads import heads_of


def make(run: Run, name: str, protocol: str, params: Language | Narrations | Video, texts: Path | None) -> Taught:
    """Teach on a protocol's train part, or on lists in `texts`, and write the teacher's folder.

    Raises:
        InputError: the protocol has folds, a clip lacks what the teacher reads, or `texts` does not fit its kind.
    """
    folder = run.data / "teachers" / name
    if isinstance(params, Narrations) != (texts is not None):
        what = "a teacher of published narrations needs their folder, and no other teacher does"
        raise InputError(what, file="params.yaml", key=f"{name}: texts", do="name it, or data/none")
    if isinstance(params, Narrations):
        assert texts is not None
        return narrations.teach(name, params, texts, folder)
    task = read_task(run, protocol)
    if len(task.folds) > 1:
        raise InputError(
            f"has {len(task.folds)} folds", file=run.splits, key=protocol, do="choose a protocol with one fold"
        )
    lessons = Lessons(run, protocol, task.folds[0].train, task.folds[0].test, heads_of(run, task, params.heads))
    if isinstance(params, Language):
        return language.teach(name, params, lessons, folder)
    return video.teach(name, params, lessons, folder)
