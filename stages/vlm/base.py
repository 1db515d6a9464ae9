"""The interface of every VLM back end: requests in, answers out, any order, one answer a request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from stages.base.errors import InputError
from stages.base.journal.store import journal_key

#: uint8, (H, W, 3), RGB
Image = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Media:
    """What a request shows: images (keyframes, in time order) or one video (frames in time order)."""

    kind: Literal["images", "video"]
    frames: Sequence[Image]
    """Each uint8, (H, W, 3), RGB."""
    fps: float | None = None
    """Frames a second of `frames`; only a video has it."""
    digest: str = field(init=False)
    """Hash of every pixel and the kind: what a journal key names the media by."""

    def __post_init__(self) -> None:
        digest = hashlib.blake2b(f"{self.kind} {self.fps}".encode(), digest_size=16)
        for frame in self.frames:
            digest.update(str(frame.shape).encode())
            digest.update(np.ascontiguousarray(frame).tobytes())
        object.__setattr__(self, "digest", digest.hexdigest())


class Place(Protocol):
    """Where media are, in few bytes."""

    def open(self) -> Media:
        """Return them.

        Raises:
            InputError: they are not there, or are damaged.
        """
        ...


@dataclass(frozen=True, eq=False)
class Unopened(Media):
    """Media of which a worker has told the digest: here they have no frames, and their place is all that travels."""

    digest: str = field(kw_only=True)
    place: Place = field(kw_only=True)

    def __post_init__(self) -> None:
        """Leave the digest as it was told."""

    def open(self) -> Media:
        """Return them with their frames.

        Raises:
            InputError: they are not there, are damaged, or others than they were.
        """
        media = self.place.open()
        if media.digest != self.digest:
            do = "run the same command again, and change no input while it runs"
            raise InputError(f"{self.place} changed while it was asked about", do=do)
        return media


@dataclass(frozen=True, eq=False)
class Example:
    """A question with its answer, shown before the question that is asked."""

    prompt: str
    media: Media | None
    answer: str


@dataclass(frozen=True)
class Request:
    """One question. Two requests with the same `key` under one back end have the same answer."""

    prompt: str
    """The user's turn, as text."""
    media: Media | None = None
    """None: a question to a text model, or about a text."""
    system: str | None = None
    """The system's turn, where the model's chat template has one."""
    options: tuple[str, ...] = ()
    """Closed answers to weigh (such as True, False): the answer then carries a probability of each, from the
    model's next-token distribution renormalised over them, where the back end gives one."""
    must_hold: tuple[str, ...] = ()
    """Constrained decoding: the answer holds at least one of these, by `constraint.found` (empty: free)."""
    repeat: int = 0
    """Number of a repeated draw; it is part of the key only where decoding samples."""
    text_first: bool = False
    """The prompt stands before the media, which a causal model then reads in its light; else behind them."""
    clip_id: str | None = None
    """The clip asked about. Recorded back ends answer by it; it shapes an answer only where no media are shown."""
    examples: tuple[Example, ...] = ()
    """Questions with their answers, as turns before this one."""

    @property
    def all_media(self) -> list[Media]:
        """The media of all turns, in their order."""
        turns = (*(example.media for example in self.examples), self.media)
        return [media for media in turns if media is not None]

    def shape(self) -> dict[str, Any]:
        """Return all that shapes the answer, as JSON values."""
        return {
            "prompt": self.prompt,
            "media": self.media.digest if self.media else None,
            "system": self.system,
            "options": list(self.options),
            "must_hold": list(self.must_hold),
            "repeat": self.repeat,
            **({"text_first": True} if self.text_first else {}),
            "clip_id": self.clip_id if self.media is None else None,
            **({"examples": [_shape(example) for example in self.examples]} if self.examples else {}),
        }

    def seed(self, seed: int) -> int:
        """Return the seed of this question's own draws, from the model's: they do not depend on other questions."""
        text = json.dumps([seed, self.shape()], sort_keys=True)
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest())


def _shape(example: Example) -> list[str | None]:
    return [example.prompt, example.media.digest if example.media else None, example.answer]


class Answer(NamedTuple):
    """What came back."""

    text: str
    """As the model gave it, special tokens and thinking removed; empty where it was cut while it was thinking."""
    status: Literal["ok", "missing", "refused", "error"] = "ok"
    """missing: a recorded model has no answer; refused: the provider's filter or the model's refusal field; error: no
    answer after all retries."""
    detail: str | None = None
    """Why it is not ok, or what else must be known of it: the server gave no probabilities, or more than asked."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    p: Mapping[str, float] | None = None
    """Probability of each of the request's options; null where the back end gives none, or not of all."""
    ended: str | None = None
    """Why it ended: stop (the model ended it), length (it was cut at the longest answer allowed), filter, or what else
    a server said; null where nobody knows."""
    thinking: str | None = None
    """What the model thought before it answered (`thinking.py`); null where it did not, or keeps it to itself."""
    tokens_thinking: int | None = None
    """Those of `tokens_out` that were thinking; null where there is none, or the server does not say."""

    @property
    def cut(self) -> bool:
        """Whether it was cut: more might have followed."""
        return self.ended == "length"


class Backend(Protocol):
    """A model that answers. Loading is lazy: a stage whose answers are all journalled never loads weights."""

    @property
    def revision(self) -> str:
        """What identifies the weights: a hub commit, or the hash of a local folder's files."""
        ...

    @property
    def samples(self) -> bool:
        """Whether a repeated draw may differ: false where decoding is greedy and deterministic."""
        ...

    def shape(self) -> dict[str, Any]:
        """Return all of the back end that shapes an answer: model, revision, dtype, generation params, library
        versions and the back end's integer VERSION; no device, address, batch size or time-out."""
        ...

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Answer]]:
        """Yield each request with its answer as it is ready, in any order. An answer does not depend on its
        neighbours: local batches hold requests of exactly equal shape."""
        ...


def request_key(backend: Backend, request: Request) -> str:
    """Return the journal key of a request to a back end."""
    shape = request.shape()
    return journal_key(backend=backend.shape(), request=shape if backend.samples else shape | {"repeat": 0})
