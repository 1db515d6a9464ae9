"""Metric `judge`: a VLM sees image, reference and prediction and answers True or False.

"Vision Language Models for Dynamic Human Activity Recognition in Healthcare Settings", section 4.1 (VLM-as-Judge).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import PositiveInt

from stages.core.journal import Journal
from stages.core.params import Params
from stages.text.closed import option
from stages.vlm.ask import Tally, ask_all
from stages.vlm.base import Answer, Backend, Media, Request
from stages.vlm.params import VlmParams
from stages.vlm.prompts import Prompt
from stages.vlm.show import Show

PROMPTS = Path(__file__).parent / "prompts"
TRUE_FALSE = ("True", "False")


class JudgeParams(Params):
    """How texts are judged."""

    model: VlmParams
    """Block of the judging model, as those under `vlm`."""
    prompt: str
    """File in stages/measure/prompts, without .txt."""
    repeats: PositiveInt
    """How often each text is judged: more than once measures the judge's own variance, where its decoding samples."""


class Text(NamedTuple):
    """A text to judge: a row of PREDICTIONS, by clip and repeat, with the clip's reference caption."""

    clip_id: str
    repeat: int
    reference: str
    prediction: str


class Judgement(NamedTuple):
    """The judge's value for a text: p(True), or 1 and 0 where the back end gives no probability; null with why."""

    clip_id: str
    repeat: int
    value: float | None
    detail: str | None


def question(prompt: Prompt, text: Text, media: Media, repeat: int) -> Request:
    """Return the question about a text and the clip's image."""
    filled = prompt.fill(reference=text.reference, prediction=text.prediction)
    return Request(filled, media, options=TRUE_FALSE, repeat=repeat, clip_id=text.clip_id)


def verdict(answer: Answer) -> tuple[float | None, str | None]:
    """Return the value of an answer, and why it has none. Anything but True or False is unparsed, not a False."""
    if answer.status != "ok":
        return None, f"{answer.status}: {answer.detail}"
    said = option(answer.text, TRUE_FALSE)
    if said is None:
        return None, f"unparsed: {answer.text[:80]!r}"
    return (answer.p["True"] if answer.p else float(said == "True")), None


def judge(
    texts: Iterable[Text],
    show: Show,
    prompt: Prompt,
    backend: Backend,
    journal: Journal,
    repeats: int = 1,
    tally: Tally | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[Judgement]:
    """Yield the judgements of each text; a window of clips is in memory at a time.

    The k-th of R judgements of a text's repeat r has the repeat r * R + k: draws of the judge count as the method's.
    A clip that cannot be shown has null values.
    """
    by_clip: dict[str, list[Text]] = {}
    for text in texts:
        by_clip.setdefault(text.clip_id, []).append(text)
    for window in show.windows(by_clip):
        asked = [(text, shown.media, draw) for shown in window if shown.media
                 for text in by_clip[shown.clip_id] for draw in range(repeats)]  # fmt: skip
        requests = [question(prompt, text, media, draw) for text, media, draw in asked]
        answers = ask_all(backend, requests, journal, advance, tally, window=max(1, len(requests)))
        for (text, _, draw), (_, answer) in zip(asked, answers, strict=True):
            yield Judgement(text.clip_id, text.repeat * repeats + draw, *verdict(answer))
        for shown in window:
            for text in by_clip[shown.clip_id] if shown.media is None else ():
                for draw in range(repeats):
                    yield Judgement(text.clip_id, text.repeat * repeats + draw, None, shown.why or "nothing to show")
