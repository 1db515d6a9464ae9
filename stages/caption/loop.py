"""The paper's loop for reference captions: ask, check for a keyword, ask again with a stronger prompt.

"Vision Language Models for Dynamic Human Activity Recognition in Healthcare Settings", section 3.2. Unlike the paper's,
the loop ends: the last attempt constrains decoding so that a keyword is in the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from stages.base.journal.store import journal_key
from stages.vlm.base import Answer, Backend, Media, Request
from stages.vlm.constraint import found
from stages.vlm.prompts import Prompt

#: Raise it when the same answers give another caption.
VERSION = 2


class Clip(NamedTuple):
    """A clip to caption; `keywords` has the keywords of each of its labels (empty: no label, any caption passes)."""

    clip_id: str
    media: Media | None
    keywords: Mapping[str, Sequence[str]]


class Rules(NamedTuple):
    """What shapes a caption beside the clip and the model."""

    ask: Prompt
    insist: Prompt
    """The stronger prompt of every attempt after the first; it sees the last caption."""
    attempts: int
    words: Mapping[str, str]
    """Class -> how the prompts call it."""


class Caption(NamedTuple):
    """The last attempt at a clip's caption; `lacking` has the labels of which no keyword is in it.

    One that was cut at the longest answer allowed passes where it holds its keywords, and `ended` says so.
    """

    text: str
    attempts: int
    keywords: list[str]
    prompt_hash: str
    lacking: list[str]
    why: str | None
    ended: str | None = None
    thinking: str | None = None
    tokens_thinking: int | None = None


def caption_key(backend: Backend, clip: Clip, rules: Rules) -> str:
    """Return the journal key of a clip's caption."""
    return journal_key(
        caption=VERSION,
        backend=backend.shape(),
        media=clip.media.digest if clip.media else clip.clip_id,
        keywords={rules.words[label]: list(keywords) for label, keywords in clip.keywords.items()},
        prompts=[rules.ask.text, rules.insist.text],
        attempts=rules.attempts,
    )


def caption_all(
    clips: Sequence[Clip], rules: Rules, ask: Callable[[list[Request]], Sequence[Answer]]
) -> dict[str, Caption]:
    """Return the caption of each clip by its id: the first whose text holds a keyword of each label, else the last.

    Args:
        clips: their media stay in memory, so give a few hundred at a time.
        rules: prompts and number of attempts.
        ask: returns the answers in the order of the requests.
    """
    captions: dict[str, Caption] = {}
    pending = list(clips)
    for attempt in range(1, rules.attempts + 1):
        prompts = [_prompt(captions.get(clip.clip_id), rules) for clip in pending]
        requests = [
            _request(clip, prompt, captions.get(clip.clip_id), attempt, rules)
            for clip, prompt in zip(pending, prompts, strict=True)
        ]
        for clip, prompt, answer in zip(pending, prompts, ask(requests), strict=True):
            captions[clip.clip_id] = _checked(clip, answer, attempt, prompt)
        pending = [clip for clip in pending if captions[clip.clip_id].why]
    return captions


def _prompt(last: Caption | None, rules: Rules) -> Prompt:
    """Return the stronger prompt where there is a caption to correct; a refusal or an error is asked as at first."""
    return rules.insist if last and last.text.strip() and last.lacking else rules.ask


def _request(clip: Clip, prompt: Prompt, last: Caption | None, attempt: int, rules: Rules) -> Request:
    values: dict[str, Any] = {
        "activities": [rules.words[label] for label in clip.keywords],
        "keywords": list(clip.keywords.values()),
        "caption": last.text if last else None,
    }
    # Any of the words satisfies a back end, so a clip of several labels is sure of its first lacking one only.
    lacking = last.lacking if last else list(clip.keywords)
    must_hold = tuple(clip.keywords[lacking[0]]) if attempt == rules.attempts and lacking else ()
    return Request(prompt.fill(**values), clip.media, must_hold=must_hold, repeat=attempt - 1, clip_id=clip.clip_id)


def _checked(clip: Clip, answer: Answer, attempt: int, prompt: Prompt) -> Caption:
    """Return an answer as a caption; `why` says what is wrong with it, null where it passes."""
    held = {label: found(answer.text, keywords) for label, keywords in clip.keywords.items()}
    lacking = [label for label, words in held.items() if not words]
    why = None
    if answer.status != "ok":
        why = f"{answer.status}: {answer.detail}"
    elif lacking:
        cut = f", cut after {answer.tokens_out} tokens" if answer.cut else ""
        why = f"no keyword of {', '.join(lacking)} in {answer.text!r}{cut}"
    elif not answer.text.strip():
        why = "empty caption"
    keywords = list(dict.fromkeys(word for words in held.values() for word in words))
    return Caption(
        answer.text, attempt, keywords, prompt.hash, lacking, why, answer.ended, answer.thinking, answer.tokens_thinking
    )
