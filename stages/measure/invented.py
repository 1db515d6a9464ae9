"""Metrics of hallucination, 1 where nothing is invented: `grounded` of free captions, `listed` of closed answers.

Where answers are sets of labels, the scores of metric `labels` tell it instead: `invented`, `outside`, `violations`.
"""

from __future__ import annotations

from collections.abc import Sequence

from stages.base.schema import UNLISTED
from stages.text.keywords import has_word
from stages.vlm.constraint import found


def grounded_in_truth(text: str, foreign: Sequence[str]) -> tuple[float, str | None]:
    """Return 0, and which, where a caption names a verb or an object that the clip does not hold; else 1.

    It will not catch a synonym or a thing that no clip of the data set holds (there is no list of what does not exist),
    a wrong place, person or colour, or a wrong relation of right words; it does take a denied word for a named one. A
    caption that names nothing invents nothing: it is no measure of recognition, so see it next to `truth_named`.

    Args:
        text: the caption.
        foreign: verbs and objects of the data set that the clip does not have.
    """
    named = [word for word in foreign if has_word(text, [word])] if has_word(text, foreign) else []
    return float(not named), f"names {', '.join(named)}" if named else None


def grounded_in_keywords(text: str, own: Sequence[str], others: Sequence[str]) -> tuple[float, str | None]:
    """Return 0, and which, where a caption holds a keyword of another class and none of its own; else 1.

    Keywords are the paper's substrings (`stages.text.keywords.found`). It will not catch an activity named besides the
    right one, anything without a keyword, nor a thing that shares the right class's words; and it takes a thing that is
    there but not used (a cup on the table) for an invention where the right activity is not named. A caption without
    any keyword, and one with all of them, invent nothing: the null models next to it say how much that is worth.
    """
    if any(word in text for word in own):
        return 1.0, None
    named = found(text, others)
    return float(not named), f"of other classes only: {', '.join(named[:3])}" if named else None


def listed(detail: str | None) -> tuple[float, str | None]:
    """Return 0, and the detail, where a closed answer names something that was not on the list of classes; else 1.

    It is what `infer` could map to no class of a comma-separated answer. It will not catch a wrong class of the list
    (that is metric `answer`), nor words around a class within one part ("maybe walking, in a garden" is two parts,
    "walking in a garden" one); a whole sentence instead of a label counts as one invented label. Yes/no questions a
    class leave nothing to invent: their value is 1.
    """
    outside = bool(detail and UNLISTED in detail)
    return float(not outside), detail if outside else None
