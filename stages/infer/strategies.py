"""How a model is asked about a clip: one question, one for each class, or a caption that a text model judges.

The strategies *list*, *per class* and *judge* are those of "Can Local VLMs improve Activity Recognition over Vision
Transformers?" (Guerriero, Engan, Meinich-Bache, 2026), where the last is called ZSC-J.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from stages.base.journal.store import journal_key
from stages.infer.outcome import VERSION, YES_NO, Outcome, asked_each, described, ended, listed, thoughts, total
from stages.infer.params import AsPublished, Choose, Describe, Judge, Strategy
from stages.infer.shots import NOTHING, Shot, Told
from stages.vlm.base import Answer, Backend, Example, Media, Request, request_key
from stages.vlm.prompts import Prompt

PROMPTS = Path(__file__).parent / "prompts"

#: What the prompts call the answer of a clip that shows no class.
NONE = "none"

#: Returns the answers of a back end in the order of the requests.
Ask = Callable[[Backend, Sequence[Request]], Sequence[Answer]]


class Clip(NamedTuple):
    """A clip and what the model is shown of it."""

    clip_id: str
    media: Media | None


class Classes(NamedTuple):
    """What closed questions are about: each class with its words, and whether a clip may have several or none."""

    words: Mapping[str, str]
    many: bool


class Asking(Protocol):
    """A strategy over a model."""

    @property
    def prompt_hash(self) -> str | None:
        """Hash of the prompt file, of both joined by + where there are two; null where nothing is asked."""
        ...

    @property
    def questions(self) -> int:
        """Questions about one clip."""
        ...

    def key(self, clip: Clip) -> str:
        """Return the journal key of a clip's row."""
        ...

    def outcomes(self, clips: Sequence[Clip], ask: Ask) -> list[Outcome]:
        """Return the outcome of each clip, in their order."""
        ...


@dataclass(frozen=True)
class OneQuestion:
    """*describe* and *list*. A row's key is that of its question, so that equal questions share an answer."""

    backend: Backend
    prompt: Prompt
    classes: Classes | None
    """The classes that the question lists; null: a free description."""
    weigh: bool = False
    told: Told = NOTHING
    questions: int = 1

    @property
    def prompt_hash(self) -> str:
        """Hash of the prompt file, and of the system's."""
        return self.told.hashed(self.prompt.hash)

    def request(self, clip: Clip) -> Request:
        """Return the question about a clip."""
        activities = list(self.classes.words.values()) if self.classes else []
        text = self.prompt.fill(activities=activities, many=self.classes.many) if self.classes else self.prompt.fill()
        return Request(
            text,
            clip.media,
            system=self.told.said,
            options=tuple(activities) if self.weigh else (),
            text_first=self.told.text_first,
            clip_id=clip.clip_id,
            examples=tuple(Example(text, shot.media, self._answer(shot)) for shot in self.told.shots),
        )

    def _answer(self, shot: Shot) -> str:
        if shot.answer is not None or self.classes is None:
            return shot.answer or ""
        return ", ".join(self.classes.words[label] for label in shot.labels) or NONE

    def key(self, clip: Clip) -> str:
        """Return the journal key of the question."""
        return request_key(self.backend, self.request(clip))

    def outcomes(self, clips: Sequence[Clip], ask: Ask) -> list[Outcome]:
        """Return the outcome of each clip."""
        return [self.read(answer) for answer in ask(self.backend, [self.request(clip) for clip in clips])]

    def read(self, answer: Answer) -> Outcome:
        """Return an answer's outcome."""
        return described(answer) if self.classes is None else listed(answer, *self.classes)


@dataclass(frozen=True)
class Published:
    """A recorded model's answers, whatever its authors asked."""

    backend: Backend
    prompt_hash: None = None
    questions: int = 1

    def request(self, clip: Clip) -> Request:
        """Return what names the clip."""
        return Request("", clip.media, clip_id=clip.clip_id)

    def key(self, clip: Clip) -> str:
        """Return the journal key of the clip's answer."""
        return request_key(self.backend, self.request(clip))

    def outcomes(self, clips: Sequence[Clip], ask: Ask) -> list[Outcome]:
        """Return the outcome of each clip."""
        return [described(answer) for answer in ask(self.backend, [self.request(clip) for clip in clips])]


@dataclass(frozen=True)
class EachClass:
    """*per class*: a yes/no question for each class."""

    backend: Backend
    prompt: Prompt
    classes: Classes
    told: Told = NOTHING

    @property
    def prompt_hash(self) -> str:
        """Hash of the prompt file, and of the system's."""
        return self.told.hashed(self.prompt.hash)

    @property
    def questions(self) -> int:
        """One for each class."""
        return len(self.classes.words)

    def requests(self, clip: Clip) -> list[Request]:
        """Return the questions about a clip, in the order of the classes."""
        return [self._request(clip, name, said) for name, said in self.classes.words.items()]

    def _request(self, clip: Clip, name: str, said: str) -> Request:
        text = self.prompt.fill(activity=said)
        examples = (Example(text, shot.media, YES_NO[name not in shot.labels]) for shot in self.told.shots)
        return Request(
            text,
            clip.media,
            system=self.told.said,
            options=YES_NO,
            text_first=self.told.text_first,
            clip_id=clip.clip_id,
            examples=tuple(examples),
        )

    def key(self, clip: Clip) -> str:
        """Return the journal key of the row that the answers make."""
        questions = [request_key(self.backend, request) for request in self.requests(clip)]
        return journal_key(
            outcome=VERSION, questions=questions, classes=list(self.classes.words), many=self.classes.many
        )

    def outcomes(self, clips: Sequence[Clip], ask: Ask) -> list[Outcome]:
        """Return the outcome of each clip."""
        answers = ask(self.backend, [request for clip in clips for request in self.requests(clip)])
        return [asked_each(each, self.classes.many) for each in _by_clip(answers, self.classes)]


@dataclass(frozen=True)
class JudgedCaption:
    """*judge*: a caption, then a text model answers for each class from the caption alone."""

    describe: OneQuestion
    text_model: Backend
    question: Prompt
    classes: Classes

    @property
    def prompt_hash(self) -> str:
        """Hashes of the two prompt files."""
        return f"{self.describe.prompt_hash}+{self.question.hash}"

    @property
    def questions(self) -> int:
        """The caption, and one for each class."""
        return 1 + len(self.classes.words)

    def key(self, clip: Clip) -> str:
        """Return the journal key of the row that caption and judgement make."""
        return journal_key(
            outcome=VERSION,
            caption=self.describe.key(clip),
            judge=self.text_model.shape(),
            question=self.question.text,
            classes=dict(self.classes.words),
            many=self.classes.many,
        )

    def outcomes(self, clips: Sequence[Clip], ask: Ask) -> list[Outcome]:
        """Return the outcome of each clip; a clip without a caption is not judged."""
        captions = ask(self.describe.backend, [self.describe.request(clip) for clip in clips])
        plain = [described(caption) for caption in captions]
        requests = [
            Request(self.question.fill(caption=caption.text, activity=said), options=YES_NO)
            for caption in plain
            if caption.status == "ok"
            for said in self.classes.words.values()
        ]
        judged = iter(_by_clip(ask(self.text_model, requests), self.classes))
        return [self._judged(caption, next(judged)) if caption.status == "ok" else caption for caption in plain]

    def _judged(self, caption: Outcome, answers: Mapping[str, Answer]) -> Outcome:
        outcome = asked_each(answers, self.classes.many, caption.text)
        return outcome._replace(
            tokens_in=total([caption.tokens_in, outcome.tokens_in]),
            tokens_out=total([caption.tokens_out, outcome.tokens_out]),
            tokens_thinking=total([caption.tokens_thinking, outcome.tokens_thinking]),
            ended=ended([caption.ended, outcome.ended]),
            thinking="\n\n".join(filter(None, [thoughts({"caption": caption.thinking}), outcome.thinking])) or None,
        )


def strategy(
    params: Strategy, backend: Backend, text_model: Backend, classes: Classes, shown: Sequence[Shot] = ()
) -> Asking:
    """Return the strategy that a block of params describes; `shown` are its examples.

    Raises:
        InputError: there is no such prompt.
    """
    if isinstance(params, AsPublished):
        return Published(backend)
    prompt = Prompt(PROMPTS, params.prompt)
    system = Prompt(PROMPTS, params.system) if params.system else None
    told = Told(system, tuple(shown), params.text_first)
    if isinstance(params, Describe):
        return OneQuestion(backend, prompt, None, told=told)
    if isinstance(params, Choose):
        return OneQuestion(backend, prompt, classes, params.weigh, told)
    if isinstance(params, Judge):
        question = Prompt(PROMPTS, params.question)
        return JudgedCaption(OneQuestion(backend, prompt, None, told=told), text_model, question, classes)
    return EachClass(backend, prompt, classes, told)


def _by_clip(answers: Sequence[Answer], classes: Classes) -> list[dict[str, Answer]]:
    """Cut answers, clip after clip and class after class, into one mapping a clip."""
    count = len(classes.words)
    return [
        dict(zip(classes.words, answers[start : start + count], strict=True)) for start in range(0, len(answers), count)
    ]
