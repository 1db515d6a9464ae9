"""Logits to rows of table PREDICTIONS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.base.actions import action
from stages.learn.data import Clip

#: A label is named where its probability exceeds this; other thresholds are the scoring's business.
NAMED = 0.5


def probabilities(logits: NDArray[np.floating], many: bool) -> NDArray[np.float64]:
    """Return class scores of (N, C) logits: sigmoid for several labels, else softmax, rounded to 6 digits.

    Rounded, because the last bits are the processor's.
    """
    exact = logits.astype(np.float64)
    if many:
        return np.round(1 / (1 + np.exp(-exact)), 6)
    powers = np.exp(exact - exact.max(1, keepdims=True))
    return np.asarray(np.round(powers / powers.sum(1, keepdims=True), 6))


def prediction_rows(
    method: str,
    clips: Sequence[Clip],
    scores: NDArray[np.float64],
    classes: Sequence[str],
    many: bool,
    revision: str,
    key: str,
) -> Iterator[dict[str, Any]]:
    """Yield a row of PREDICTIONS a clip, of status ok.

    `labels` is the class of the highest score (of equal ones the first), with several labels all whose score exceeds
    `NAMED`. Give test clips only: what a model learnt from is never scored as test.

    Args:
        method: its name, `<model>_<protocol>`.
        clips: N clips.
        scores: (N, C), as `probabilities` gives them.
        classes: C names, in the scores' order.
        many: a clip may have several labels, or none.
        revision: hash of the weights.
        key: of the training run, which is what the row comes from.
    """
    for clip, row in zip(clips, scores, strict=True):
        named = (
            [classes[index] for index in np.flatnonzero(row > NAMED).tolist()] if many else [classes[int(row.argmax())]]
        )
        yield {
            "clip_id": clip.clip_id,
            "method": method,
            "repeat": 0,
            "labels": sorted(named),
            "classes": list(classes),
            "class_scores": row.tolist(),
            "status": "ok",
            "revision": revision,
            "journal_key": key,
        }


def pairs_of(clips: Sequence[Clip]) -> dict[str, tuple[str, str]]:
    """Return label -> verb and noun of the clips' labels."""
    return {clip.labels[0]: (str(clip.verb), str(clip.noun)) for clip in clips}


def pair_scores(
    scores: NDArray[np.float64], verbs: Sequence[str], nouns: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> NDArray[np.float64]:
    """Return the products (N, pairs) of the scores (N, verbs + nouns) of both heads, 6 digits."""
    of_verb = scores[:, [verbs.index(verb) for verb, _ in pairs]]
    of_noun = scores[:, [len(verbs) + nouns.index(noun) for _, noun in pairs]]
    return np.asarray(np.round(of_verb * of_noun, 6), np.float64)


def action_rows(
    method: str,
    clips: Sequence[Clip],
    scores: NDArray[np.float64],
    verbs: Sequence[str],
    nouns: Sequence[str],
    pairs: Mapping[str, tuple[str, str]],
    revision: str,
    key: str,
) -> Iterator[dict[str, Any]]:
    """Yield a row of PREDICTIONS a clip whose label is a verb and a noun, of status ok.

    `labels` is the action of the highest product, which is that of the likeliest verb and the likeliest noun, whether
    or not any clip has it; `class_scores` are the products of the pairs that occur.

    Args:
        method: its name.
        clips: N clips.
        scores: (N, verbs + nouns), each head's adding up to 1.
        verbs: in the scores' order.
        nouns: in the scores' order.
        pairs: label -> verb and noun, of those that occur.
        revision: hash of the weights.
        key: of the training run.
    """
    classes = sorted(pairs)
    products = pair_scores(scores, verbs, nouns, [pairs[name] for name in classes])
    for clip, row, product in zip(clips, scores, products, strict=True):
        verb, noun = row[: len(verbs)], row[len(verbs) :]
        yield {
            "clip_id": clip.clip_id,
            "method": method,
            "repeat": 0,
            "labels": [action(verbs[int(verb.argmax())], nouns[int(noun.argmax())])],
            "classes": classes,
            "class_scores": product.tolist(),
            "status": "ok",
            "revision": revision,
            "journal_key": key,
            "verbs": list(verbs),
            "verb_scores": verb.tolist(),
            "nouns": list(nouns),
            "noun_scores": noun.tolist(),
        }
