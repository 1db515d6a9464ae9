"""A dry run: what a stage would ask, counted by the stage's own code with back ends that answer nothing.

Questions, images and tokens, what the journal already has, the time at the speed of the last run, and the price where
the model's block names one. No weights are loaded, no server is asked and nothing is written.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.base.errors import InputError
from stages.base.journal.store import Journal, journal_key, root
from stages.vlm.ask import Tally
from stages.vlm.base import Answer, Backend, Request
from stages.vlm.params import ApiParams, LocalParams, VllmModelParams, VlmParams

#: So many questions are encoded by the model's own processor; the others are taken to be as long on average.
_ENCODED = 16

#: What OpenAI counts for an image of detail low (https://platform.openai.com/docs/guides/images-vision).
_LOW = 85


@dataclass
class Pretend:
    """A back end that counts what it is asked."""

    real: Backend
    params: VlmParams
    repeats: bool = True
    """Whether a repeated question counts; false where it depends on the answer whether it is asked at all."""
    questions: int = 0
    images: int = 0
    sample: list[Request] = field(default_factory=list)

    @property
    def revision(self) -> str:
        """The real one's."""
        return self.real.revision

    @property
    def samples(self) -> bool:
        """As the real one."""
        return self.real.samples

    def shape(self) -> dict[str, Any]:
        """Return the real one's, so that the journal's keys are."""
        return self.real.shape()

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Answer]]:
        """Yield an answer that any stage can read, and count."""
        for request in requests:
            if self.repeats or request.repeat == 0:
                self.questions += 1
                self.images += sum(len(media.frames) for media in request.all_media)
                if len(self.sample) < _ENCODED:
                    self.sample.append(request)
            yield request, Answer(_said(request), "ok", None, 0, 0)

    def report(self, name: str, room: str) -> str:
        """Return what it counted, as a line."""
        if not self.questions:
            return f"{name}: all in the journal"
        parts = [f"{self.questions:,} questions", f"{self.images:,} images"]
        length, how = self._length()
        if length is not None:
            wrote = getattr(self.params, "max_new_tokens", 0)
            read, most = round(length * self.questions), wrote * self.questions
            parts.append(f"about {read:,} tokens in ({how}), at most {most:,} out")
            about = getattr(self.params, "about", None)
            if about and about.price:
                cost = (read * about.price.input + most * about.price.output) / 1e6
                parts.append(f"at most about {cost:,.2f} US dollars")
        else:
            parts.append(f"tokens not known: {how}")
        speed = speeds(room).get(speed_key(self.real))
        parts.append(
            f"{speed * self.questions:,.0f} s as fast as last time" if speed else "time not known: not run yet"
        )
        return f"{name}: {', '.join(parts)}"

    def _length(self) -> tuple[float | None, str]:
        """Return the mean tokens of a question, null where they cannot be told, and how or why."""
        if isinstance(self.params, LocalParams | VllmModelParams):
            from stages.vlm.chat import encode
            from stages.vlm.checkpoint import is_folder, is_vision, load_config, load_processor

            trusted = self.params.remote_code is not None
            found = None if is_folder(self.params.name) else self.real.revision.partition("+")[0]
            try:
                vision = is_vision(load_config(self.params.name, found, trusted))
                processor = load_processor(self.params.name, found, vision, trusted)
                lengths = [encode(processor, each, self.params.processor)["input_ids"].shape[1] for each in self.sample]
            except (InputError, ValueError) as error:
                return None, str(error).splitlines()[0]
            return sum(lengths) / len(lengths), "the model's processor"
        if isinstance(self.params, ApiParams):
            words = sum(len(_text(each)) for each in self.sample) / len(self.sample) / 4
            if self.images and self.params.detail != "low":
                return None, f"{words:.0f} of text a question; how the server counts an image is its own"
            return words + _LOW * self.images / self.questions, "4 letters a token, 85 tokens an image"
        return None, "a recorded model reads nothing"


def counting(counted: list[Pretend]) -> Callable[[Backend, VlmParams], Backend]:
    """Return what wraps back ends into counters, and notes each in `counted`."""

    def wrap(backend: Backend, params: VlmParams) -> Backend:
        counted.append(Pretend(backend, params))
        return counted[-1]

    return wrap


def _said(request: Request) -> str:
    """Return an answer; a free one differs from clip to clip, and so do the questions that are asked about it."""
    if request.options:
        return request.options[0]
    return " ".join([*request.must_hold[:1], request.media.digest if request.media else request.clip_id or "something"])


def to_ask(tally: Tally) -> str:
    """Return how many answers a run would ask for, as words."""
    known = tally.asked - tally.computed
    others = "; the others are in the journal, or equal to one of those" if known and tally.computed else ""
    return f"{tally.computed} of {tally.asked} answers to ask for{others}"


def _text(request: Request) -> str:
    shown = "".join(example.prompt + example.answer for example in request.examples)
    return (request.system or "") + shown + request.prompt


class DryJournal(Journal):
    """A journal that remembers what is put into it until the end of the run, and writes nothing."""

    def __init__(self, room: str, *kinds: Any) -> None:
        super().__init__(room, *kinds)
        self._said: dict[str, Mapping[str, Any]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._said or super().__contains__(key)

    def get(self, key: str) -> dict[str, Any]:
        """Return what was put, or what the journal has."""
        return dict(self._said[key]) if key in self._said else super().get(key)

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        """Remember a value."""
        self._said[key] = value


def speed_key(backend: Backend) -> str:
    """Return under what a back end's speed is kept."""
    return journal_key(backend=backend.shape())


def speeds(room: str) -> dict[str, float]:
    """Return the seconds an answer took in the last run of each back end, by `speed_key`."""
    try:
        values = json.loads(_speed_file(room).read_text())
    except (OSError, ValueError):
        return {}
    return {str(key): float(value) for key, value in values.items()} if isinstance(values, dict) else {}


def keep_speed(room: str, backend: Backend, seconds: float, answers: int) -> None:
    """Keep how long the answers of this run took, loading included, next to the journal; it shapes nothing."""
    file = _speed_file(room)
    if not answers or not file.parent.is_dir():
        return
    values = speeds(room) | {speed_key(backend): seconds / answers}
    handle, part = tempfile.mkstemp(dir=file.parent, prefix=".speed")
    with os.fdopen(handle, "w") as stream:
        json.dump(values, stream)
    os.replace(part, file)


def _speed_file(room: str) -> Path:
    return root() / room / "speed.json"
