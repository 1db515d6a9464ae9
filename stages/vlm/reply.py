"""What a chat completion says, whatever it is made of: answer, thinking, why it ended, shares of the options."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from stages.base.unicode import well_formed
from stages.vlm.base import Answer, Request
from stages.vlm.constraint import found
from stages.vlm.params import ApiParams
from stages.vlm.thinking import part

#: Why an answer ended, in the words of this repository; others stay as the server has them.
_ENDED = {
    "stop": ("stop", "end_turn", "eos", "eos_token", "stop_sequence"),
    "length": ("length", "max_tokens", "model_length", "max_output_tokens"),
    "filter": ("content_filter", "safety"),
}
#: The server broke off: what it sent is no answer.
_BROKEN = ("error", "abort", "insufficient_system_resource")

#: Share that may be missing: an option that is not among the likeliest tokens has less than the least of them.
_SMALL = 0.01

#: No logarithm of a probability is above it, but for rounding.
_CERTAIN = 1e-3

#: What a server did with a request that the user should know of; the answer counts all the same.
UNWEIGHED = "no log-probabilities came back though they were asked for"
LONGER = "longer than asked"


class Garbage(ValueError):
    """A reply that is no chat completion."""


class _Message(NamedTuple):
    text: str
    thinking: str
    refusal: str | None
    ended: str | None
    tokens_in: int | None
    tokens_out: int | None
    tokens_thinking: int | None
    logprobs: list[Any]


def read(reply: Any, request: Request, params: ApiParams, clean: Callable[[str], str]) -> Answer:
    """Return the answer that a reply holds; its status is error where it holds none.

    Args:
        reply: as the client parsed it, which checks nothing.
        request: what was asked.
        params: of the model.
        clean: takes out of a text what must not be kept.

    Raises:
        Garbage: it is no chat completion.
    """
    message = _message(reply)
    text, thinking = (clean(well_formed(each)) for each in (message.text, message.thinking))
    parted = part(text, params.thinking if not thinking else _opened(params))
    thinking = "\n\n".join(filter(None, [thinking.strip(), parted.thinking or ""]))
    answer = Answer(
        parted.answer,
        tokens_in=message.tokens_in,
        tokens_out=message.tokens_out,
        ended=message.ended,
        thinking=thinking or None,
        tokens_thinking=message.tokens_thinking if thinking or message.tokens_thinking else None,
    )
    if message.refusal or message.ended == "filter":
        why = clean(well_formed(message.refusal or "")) or "the provider's content filter"
        return answer._replace(status="refused", detail=why[:500])
    if message.ended in _BROKEN:
        return answer._replace(text="", status="error", detail=f"the server broke off ({message.ended})")
    if not answer.text and not (answer.cut or thinking):
        return answer._replace(status="error", detail=f"the reply has no text (finish_reason {message.ended})")
    if not answer.text:
        return answer._replace(detail=f"no answer after {'its thinking' if thinking else 'what it does not show'}")
    if request.must_hold and not found(answer.text, request.must_hold):
        why = f"the answer holds none of {list(request.must_hold)}: {answer.text}"
        return answer._replace(status="error", detail=why[:500])
    return _remarked(_weighed(answer, message.logprobs, request, params), params)


def _opened(params: ApiParams) -> list[tuple[str, str]]:
    """Return the pairs of tags for a text whose thinking the server has taken out: no prompt's end opens it again."""
    return [pair for pair in params.thinking if pair[0]]


def _message(reply: Any) -> _Message:
    try:
        choice = reply.choices[0]
        message, usage = choice.message, getattr(reply, "usage", None)
        extra = getattr(message, "model_extra", None) or {}
        content, thought = _parts(message.content)
        aside = next((extra[name] for name in ("reasoning_content", "reasoning") if extra.get(name)), "")
        details = getattr(usage, "completion_tokens_details", None)
        return _Message(
            content,
            "\n\n".join(filter(None, [aside if isinstance(aside, str) else "", thought])),
            _text_or_none(getattr(message, "refusal", None)),
            _ended(choice.finish_reason),
            _count(getattr(usage, "prompt_tokens", None)),
            _count(getattr(usage, "completion_tokens", None)),
            _count(getattr(details, "reasoning_tokens", None)),
            list(getattr(getattr(choice, "logprobs", None), "content", None) or []),
        )
    except (AttributeError, IndexError, TypeError, KeyError):
        raise Garbage(f"{reply!r}") from None


def _parts(content: Any) -> tuple[str, str]:
    """Return text and thinking of a message's content, a text or a list of parts (Mistral's has both)."""
    if isinstance(content, str):
        return content, ""
    said: dict[str, list[str]] = {"text": [], "thinking": []}
    for piece in content or []:
        kind = piece.get("type")
        inner = piece.get(kind, "") if kind in said else ""
        said.setdefault(kind, []).append(inner if isinstance(inner, str) else _parts(inner)[0])
    return "".join(said["text"]), "\n\n".join(said["thinking"])


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**31 else None


def _ended(reason: Any) -> str | None:
    if not isinstance(reason, str):
        return None
    reason = well_formed(reason)[:40].lower()
    return next((name for name, said in _ENDED.items() if reason in said), reason)


def _remarked(answer: Answer, params: ApiParams) -> Answer:
    """Return an answer with a remark where it is longer than was asked for: the server ignores the field."""
    if answer.tokens_out is None or answer.tokens_out <= params.max_new_tokens + 1:  # some count the end, too
        return answer
    told = f"{LONGER}: {answer.tokens_out} tokens, max_new_tokens is {params.max_new_tokens}"
    return answer._replace(detail="; ".join(filter(None, [answer.detail, told])))


def _weighed(answer: Answer, logprobs: Sequence[Any], request: Request, params: ApiParams) -> Answer:
    """Return an answer with the share of each option, where the request has options and the server says enough."""
    if not (request.options and params.logprobs):
        return answer
    try:
        place = _first([_written(each) for each in logprobs], answer)
        if place is None:
            return answer._replace(detail=UNWEIGHED)
        likeliest = [(str(each.token), float(each.logprob)) for each in logprobs[place].top_logprobs]
    except (AttributeError, TypeError, ValueError):
        return answer._replace(detail=UNWEIGHED)
    if not likeliest or not all(logprob <= _CERTAIN for _, logprob in likeliest):
        return answer._replace(detail=UNWEIGHED)
    thought = place if answer.thinking and answer.tokens_thinking is None else answer.tokens_thinking
    return answer._replace(p=weigh(likeliest, request.options), tokens_thinking=thought)


def _written(token: Any) -> bytes:
    """Return what a token writes: its bytes, for a part of a character has no other form that all servers agree on."""
    raw = getattr(token, "bytes", None)
    # Of a number `bytes` would make so many zeros: more than there is memory, where a server writes something else.
    return bytes(raw) if raw and isinstance(raw, list) else str(token.token).encode(errors="surrogatepass")


def _first(tokens: Sequence[bytes], answer: Answer) -> int | None:
    """Return which token begins the answer; None where that cannot be told.

    Some servers give the log-probabilities of the first tokens only; and where a token is no whole character some give
    nothing for it, so that the answer is not found in what the tokens write. Without thinking it is all that there is.
    """
    whole, text = b"".join(tokens), answer.text.encode(errors="surrogatepass")
    place = whole.rfind(text)
    if place < 0 and whole.strip() and text.startswith(whole.strip()):
        place = len(whole) - len(whole.lstrip())
    if place >= 0:
        ends = accumulate(len(token) for token in tokens)
        return next((number for number, end in enumerate(ends) if end > place), None)
    if answer.thinking or answer.tokens_thinking:
        return None
    return next((number for number, token in enumerate(tokens) if token.strip() or not token), None)


def weigh(likeliest: Sequence[tuple[str, float]], options: Sequence[str]) -> dict[str, float] | None:
    """Return the share of each option from the likeliest first tokens, renormalised; None where not all can be had.

    A first token counts for the option that it begins, in any case. Where one begins several options (two that open
    with the same word), there is no telling them apart. An option that is not among the tokens has at most the share of
    the least likely of them: 0 where that is below a hundredth, else nothing is known.

    Args:
        likeliest: tokens with their log-probabilities.
        options: what may be answered.
    """
    opening = [option.casefold().split()[0] if option.split() else "" for option in options]
    if len(set(opening)) < len(options):
        return None
    mass = dict.fromkeys(options, 0.0)
    doubtful = 0.0
    for token, logprob in likeliest:
        said = token.strip().casefold()
        begun = [option for option in options if said and option.casefold().startswith(said)]
        if len(begun) == 1:
            mass[begun[0]] += math.exp(logprob)
        elif begun:
            doubtful += math.exp(logprob)
    total = math.fsum(mass.values())
    if any(not value for value in mass.values()):
        doubtful = max(doubtful, math.exp(min(logprob for _, logprob in likeliest)))
    if total <= 0 or doubtful > _SMALL * total:
        return None
    return {option: value / total for option, value in mass.items()}
