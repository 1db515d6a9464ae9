"""Metric `keyword_word`: whole words, in any case and simple inflections. 1 where a keyword stands in the text."""

from __future__ import annotations

from collections.abc import Sequence

from stages.metrics.keywords import choice, rows
from stages.metrics.metric import Metric
from stages.text.keywords import has_word


def keyword_word(text: str, keywords: Sequence[str]) -> float:
    """Return 1 where any keyword stands in `text` as whole words; else 0.

    Case does not matter, any white space parts the words of a keyword, and each of its words may be inflected: s, es,
    ed, d, ing; a doubled consonant (`cut`, `cutting`), a dropped e (`take`, `taking`), y to ies or ied (`carry`,
    `carries`). It will not match irregular forms (`drank` for `drink`, `leaves` for `leaf`), the stem of an inflected
    keyword (`cook` for `cooking`), a synonym, words between those of a keyword (`pours the water` for `pour water`),
    or a keyword within a longer word (`eat` in `seated`); and it does match a keyword that the text denies, or means in
    another sense (`can` in `can be seen`).
    """
    return float(has_word(text, keywords))


METRIC = Metric(
    name="keyword_word",
    title="Keyword, whole word",
    about="A keyword of the clip's class stands in the answer as a word, any case.",
    rows=rows(keyword_word),
    threshold=0.5,
    constant=choice(keyword_word),
)
