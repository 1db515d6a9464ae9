"""What a model is told before the question: a system prompt, and clips of the train part with their answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import SPLITS
from stages.base.tables import read_table
from stages.infer.limit import by_hash
from stages.infer.params import Examples
from stages.vlm.base import Media
from stages.vlm.prompts import Prompt
from stages.vlm.show import Show


class Shot(NamedTuple):
    """A clip with what it shows; `answer` is the text that stands for its answer, null where its labels say it."""

    media: Media | None
    labels: Sequence[str]
    answer: str | None


class Told(NamedTuple):
    """What stands before each question, and whether its text stands before what it shows."""

    system: Prompt | None = None
    shots: tuple[Shot, ...] = ()
    text_first: bool = False

    @property
    def said(self) -> str | None:
        """The system's turn."""
        return self.system.fill() if self.system else None

    def hashed(self, prompt: str) -> str:
        """Return a prompt's hash, with that of the system's prompt behind a + where there is one."""
        return f"{prompt}+{self.system.hash}" if self.system else prompt


NOTHING = Told()


def shots(
    examples: Examples | None, run: Run, show: Show, classes: Sequence[str], asked: Collection[str]
) -> tuple[Shot, ...]:
    """Return the clips that a strategy shows with their answers.

    Args:
        examples: the strategy's param.
        run: whose splits say which clips train.
        show: gives their media.
        classes: of the data set.
        asked: the clips that are asked about.

    Raises:
        InputError: a clip does not train in the protocol, or tests in one, or is asked about, or a class has too few.
    """
    if examples is None:
        return ()
    splits = read_table(run.splits, SPLITS)
    of_protocol = splits.filter(splits["protocol"] == examples.protocol)
    testing = set(splits.filter(splits["part"] == "test")["clip_id"]) | set(asked)
    train = {clip for clip in of_protocol.filter(of_protocol["part"] == "train")["clip_id"] if clip in show.labels}
    if isinstance(examples.clips, Mapping):
        answers: dict[str, str | None] = dict(examples.clips)
    elif examples.clips is not None:
        answers = dict.fromkeys(examples.clips)
    else:
        answers = dict.fromkeys(_of_each_class(train - testing, show.labels, classes, examples, run))
    for clip_id in answers:
        if clip_id not in train:
            why = f"{clip_id} is no usable clip of the train part of {examples.protocol}"
            raise InputError(why, file=run.splits, key="examples", do="name clips that train")
        if clip_id in testing:
            raise InputError(
                f"{clip_id} is tested, in this protocol or another",
                file=run.splits,
                key="examples",
                do="name clips that no protocol tests",
            )
    return tuple(Shot(show.media(clip_id), show.labels[clip_id], answer) for clip_id, answer in answers.items())


def _of_each_class(
    clips: Collection[str],
    labels: Mapping[str, Sequence[str]],
    classes: Sequence[str],
    examples: Examples,
    run: Run,
) -> list[str]:
    count = examples.per_class or 0
    chosen: list[str] = []
    for name in classes:
        found = sorted((clip for clip in clips if name in labels[clip] and clip not in chosen), key=by_hash)[:count]
        if len(found) < count:
            why = f"{name} has {len(found)} clips that train in {examples.protocol} and test nowhere, not {count}"
            raise InputError(why, file=run.splits, key="examples.per_class", do="ask for fewer, or name clips")
        chosen += found
    return sorted(chosen, key=by_hash)
