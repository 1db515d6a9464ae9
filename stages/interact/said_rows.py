"""From what was said of clips to rows of table PREDICTIONS."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stages.base.schema import UNLISTED
from stages.interact.answers import Said
from stages.interact.seen import Seen
from stages.learn.prediction_rows import probabilities

Row = dict[str, Any]


def said_rows(
    method: str,
    seen: Sequence[Seen],
    said: Sequence[Said],
    words: Mapping[str, str],
    by_likelihood: bool,
    common: Mapping[str, Any],
) -> list[Row]:
    """Return a row a clip: `text` is the description, `class_scores` the shares of the classes' words.

    The class is the likeliest one, or the one that the one word names, whole and in any case; an answer that names
    none is `unmapped` then. Either way what it says stands in `detail` where it is no class, and so does a person whom
    no frame shows.

    Args:
        method: its name.
        seen: N clips.
        said: what was said of them.
        words: class -> its words, in the scores' order.
        by_likelihood: what names the class.
        common: further columns.
    """
    classes = list(words)
    named = {plain(form): name for name, form in [*((name, name) for name in words), *words.items()]}
    found = []
    for one, answer in zip(seen, said, strict=True):
        scores = probabilities(np.asarray([answer.logs]), False)[0]
        spoken = named.get(plain(answer.word))
        odd = None if spoken else f"{UNLISTED}{answer.word}"
        label = classes[int(np.argmax(answer.logs))] if by_likelihood else spoken
        details = [odd, one.missing]
        found.append(
            {
                "clip_id": one.clip.clip_id,
                "method": method,
                "repeat": 0,
                "text": answer.description,
                "labels": [label] if label else [],
                "classes": classes,
                "class_scores": scores.tolist(),
                "status": "ok" if label else "unmapped",
                "detail": "; ".join(filter(None, details)) or None,
                "tokens_in": answer.tokens_in,
                "tokens_out": answer.tokens_out,
                "ended": answer.ended,
                **common,
            }
        )
    return found


def plain(text: str) -> str:
    """Return a text in lower case, each run of anything but letters and digits as one space."""
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())
