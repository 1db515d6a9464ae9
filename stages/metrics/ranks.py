"""Verbs, nouns and actions among the best of a clip's scores: Acc@1 and Acc@5 of compositional labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Of how many best classes the true one must be one.
BEST = (1, 5)


def hits(
    verb: str, noun: str, verbs: Sequence[str], verb_scores: ArrayLike, nouns: Sequence[str], noun_scores: ArrayLike
) -> dict[str, float]:
    """Return 1 or 0 for `verb@1`, `verb@5`, `noun@1`, ..., `action@5` of one clip.

    An action's score is the product of its verb's and its noun's, and it competes with all pairs of the two lists,
    whether or not any clip has them (as EPIC-KITCHENS-100 is scored); so action@1 is right where both argmax are. Of
    equal scores the first in the list is the better one. A verb or noun that is in no list is never right.

    Args:
        verb: the clip's.
        noun: the clip's.
        verbs: V names.
        verb_scores: (V,), a softmax.
        nouns: N names.
        noun_scores: (N,), a softmax.
    """
    of_verb, of_noun = np.asarray(verb_scores, np.float64), np.asarray(noun_scores, np.float64)
    at_verb, at_noun = _place(verbs, verb), _place(nouns, noun)
    ranks = {"verb": _rank(of_verb, at_verb), "noun": _rank(of_noun, at_noun), "action": None}
    if at_verb is not None and at_noun is not None:
        ranks["action"] = _rank(np.outer(of_verb, of_noun).ravel(), at_verb * len(of_noun) + at_noun)
    return {f"{name}@{best}": float(rank is not None and rank < best) for name, rank in ranks.items() for best in BEST}


def _place(names: Sequence[str], name: str) -> int | None:
    return list(names).index(name) if name in names else None


def _rank(scores: NDArray[np.float64], place: int | None) -> int | None:
    """Return how many classes come before one, by score and then by place."""
    if place is None:
        return None
    own = scores[place]
    return int((scores > own).sum() + (scores[:place] == own).sum())
