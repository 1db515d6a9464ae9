"""Keyword lists asked of a model: one question a class, its answer taken only as the question wants it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from stages.base.errors import GateError
from stages.base.journal.store import Journal
from stages.base.progress import Progress
from stages.keywords.checks import Lists
from stages.vlm.ask import Tally, ask_all
from stages.vlm.base import Answer, Backend, Request
from stages.vlm.prompts import Prompt

PROMPTS = Path(__file__).parent / "prompts"

#: Longest keyword in characters: more is a sentence.
_LONGEST = 40

_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)


def from_model(backend: Backend, prompt: Prompt, count: int, words: Mapping[str, str]) -> tuple[Lists, int]:
    """Return the lists that a model gives to classes (name -> words), and how many answers the journal knew.

    Raises:
        GateError: an answer is none or is not a JSON list of `count` keywords at most twice over; names every class.
        InputError: the back end cannot answer at all.
    """
    requests = [Request(prompt.fill(activity=activity, count=count)) for activity in words.values()]
    tally = Tally()
    with Journal("keywords", Answer._fields) as journal, Progress("keywords", len(words)) as progress:
        answers = [answer for _, answer in ask_all(backend, requests, journal, progress.advance, tally)]
    lists, wrong = {}, []
    for label, answer in zip(words, answers, strict=True):
        found = parse(answer.text, count) if answer.status == "ok" else None
        if found is None:
            cut = f" (cut after {answer.tokens_out} tokens: raise `max_new_tokens`)" if answer.cut else ""
            wrong.append(f"  {label}: {answer.status}, {answer.detail or answer.text!r:.120}{cut}")
        else:
            lists[label] = found
    if wrong:
        told = "\n".join(wrong)
        raise GateError(
            f"{len(wrong)} of {len(words)} classes got no list of keywords:\n{told}\n"
            f"  what to do: change the prompt {prompt.file} or the model, or curate the lists in a file"
        )
    return lists, tally.asked - tally.computed


def parse(text: str, count: int) -> list[str] | None:
    """Return the keywords of an answer, repeats left out; None where it is not what was asked for.

    An answer is a JSON list of 1 to twice `count` texts of 40 characters at most, in a code fence or bare. Not taken: a
    list among other words, a numbered or comma-separated list, an object.
    """
    fenced = _FENCE.fullmatch(text.strip())
    try:
        value = json.loads(fenced[1] if fenced else text)
    except (json.JSONDecodeError, RecursionError):
        return None
    if not isinstance(value, list) or not 1 <= len(value) <= 2 * count:
        return None
    if not all(isinstance(word, str) and 0 < len(word.strip()) <= _LONGEST for word in value):
        return None
    return list(dict.fromkeys(word.strip() for word in value))
