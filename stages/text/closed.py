"""Which of a few options a closed answer gives: Yes or No, True or False."""

from __future__ import annotations

import re
from collections.abc import Sequence

# What may stand between the option and the rest of the answer: `Yes, the person is cooking` says yes.
_END = r"(?:[\s*_\"'`)\]]*(?:$|[.,;:!\n—–-]))"
_LEAD = r"[\s*_\"'`(\[]*(?:(?:final )?answer\s*(?:is|:)?\s*)?[\s*_\"'`(\[:]*"


def option(text: str, options: Sequence[str]) -> str | None:
    """Return the option that the answer opens with, in any case; None where it opens with none.

    Quotes, emphasis and a leading `Answer:` do not matter. It will not match an option further on, nor one that the
    sentence goes on from without a mark: `No one is cooking`, `Yes and no`, `That is true` are no closed answers,
    because reading them would take a description for a No, or a `not true` for True.
    """
    for name in options:
        if re.match(_LEAD + re.escape(name) + _END, text, re.IGNORECASE):
            return name
    return None
