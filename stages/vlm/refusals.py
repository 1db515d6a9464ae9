"""What a server's refusal of a request means: this request only, or every one, and which key of the block is why."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

#: Field of a request -> the key of the model's block that it comes from, and what to set it to.
_FIELDS = {
    "temperature": "`temperature: null`",
    "seed": "`seed: null`",
    "top_logprobs": "`logprobs: false`",
    "logprobs": "`logprobs: false`",
    "structured_outputs": "`constrain: null`",
    "detail": "`detail: null`",
    "max_completion_tokens": "`length_field: max_tokens`",
    "max_tokens": "`length_field: max_completion_tokens`",
}

_REFUSES = re.compile(
    r"unsupported|not (?:\w+ )?support|n't support|unknown|unrecogni[sz]ed|unexpected|extra (?:inputs|fields)|invalid"
    r"|not (?:permitted|allowed|available|enabled|compatible)|deprecated|find field|must be|greater than|less than"
    r"|only the default",
    re.IGNORECASE,
)
#: A prompt that is too long is this request's, though the message names the field of the answer's length.
_THIS_ONE = re.compile(r"context|too (?:long|large|many)|input tokens", re.IGNORECASE)


class Refused(NamedTuple):
    """A field of the request that the server does not take."""

    field: str
    key: str
    """What to write in the model's block."""


def refused_field(error: Any) -> Refused | None:
    """Return the field that a reply of HTTP 400 or 422 refuses; None where it refuses this request for another reason.

    Servers say it in their own ways: OpenAI has `param`, FastAPI a list of places, others a sentence.
    """
    if error.status_code not in (400, 422):
        return None
    message = _message(error)
    if _THIS_ONE.search(message) or "context_length" in str(getattr(error, "code", "")):
        return None
    named = str(getattr(error, "param", None) or "").split(".")[-1]
    if named in _FIELDS:
        return Refused(named, _FIELDS[named])
    if not _REFUSES.search(message):
        return None
    for field, key in _FIELDS.items():
        # `detail` is a word of many messages: only in quotes, and not as a name before a value.
        word = r"['\"`]detail['\"`](?!\s*:)|image_url\.detail" if field == "detail" else rf"\b{field}\b"
        if re.search(word, message):
            return Refused(field, key)
    return None


def _message(error: Any) -> str:
    """Return what a refusal says, without the request that FastAPI repeats in it."""
    body = getattr(error, "body", None)
    problems = body.get("detail") if isinstance(body, dict) else None
    if isinstance(problems, list):
        return "; ".join(
            f"{'.'.join(map(str, problem.get('loc', ())))}: {problem.get('msg')}"
            for problem in problems
            if isinstance(problem, dict)
        )
    return str(problems or (body if isinstance(body, str) and body else error.message))[:4000]
