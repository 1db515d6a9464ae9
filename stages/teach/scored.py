"""Accuracy of verbs, nouns and actions by whether training had the narration, and what keywords get, over people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.stats.design import Cells
from stages.stats.intervals import Interval, Level, aggregate, difference
from stages.stats.spread import spread

PARTS = ("all", "seen", "new")
Right = Mapping[str, NDArray[np.bool_]]


def right(
    named: NDArray[np.int64], wanted: NDArray[np.int64], heads: Sequence[str] = ("verb", "noun")
) -> dict[str, NDArray[np.bool_]]:
    """Return whether each head's class is named, from (N, heads) classes; of several, as action, whether all are."""
    hits = named == wanted
    each = {head: hits[:, place] for place, head in enumerate(heads)}
    return each | ({"action": hits.all(1)} if len(heads) > 1 else {})


def rows(
    teacher: str, found: Right, baseline: Right, seen: NDArray[np.bool_], people: Sequence[str], level: Level
) -> list[dict[str, Any]]:
    """Return a row a part and head: accuracy of both, their difference, each with its interval over participants."""
    masks = {"all": np.ones_like(seen), "seen": seen, "new": ~seen}
    made = []
    for part in PARTS:
        mask = masks[part]
        if not mask.any():
            continue
        who = [person for person, held in zip(people, mask, strict=True) if held]
        for head in found:
            ours, theirs = found[head][mask].astype(float), baseline[head][mask].astype(float)
            row: dict[str, Any] = {"teacher": teacher, "part": part, "head": head, "texts": int(mask.sum())}
            row["subjects"] = len(set(who))
            for name, values in (("accuracy", ours), ("keywords", theirs), ("difference", ours - theirs)):
                bounds = _interval(values, who, level, name == "difference")
                row |= {name: values.mean(), f"{name}_low": float(bounds.low), f"{name}_high": float(bounds.high)}
            made.append({key: _plain(value) for key, value in row.items()})
    return made


def _plain(value: Any) -> Any:
    """Return a number as Python's own; None where an interval cannot be told."""
    if isinstance(value, float):  # numpy's is one too
        return None if np.isnan(value) else float(value)
    return value


def _interval(values: NDArray[np.float64], who: Sequence[str], level: Level, signed: bool) -> Interval:
    names = {name: place for place, name in enumerate(sorted(set(who)))}
    of = [names[name] for name in who]
    count = np.asarray(np.bincount(of, minlength=len(names))[None], np.float64)
    sums = np.asarray(np.bincount(of, weights=values, minlength=len(names))[None], np.float64)
    cells = Cells(count, sums, np.array([np.square(values).sum()]))
    one = np.ones(1)
    if not signed:
        return aggregate(values.mean(), cells, one, one, level)
    variance, freedom = spread(cells, one)
    return difference(float(values.mean()), float(variance), float(freedom), level.confidence)


def nearest(
    log_probabilities: NDArray[np.float32],
    classes: Sequence[str],
    asked: Sequence[str],
    wanted: NDArray[np.int64],
    count: int,
) -> list[dict[str, Any]]:
    """Return what a teacher takes texts of a class for besides it: the classes of the most probability on average.

    Args:
        log_probabilities: (N, C) of train narrations.
        classes: C names.
        asked: those to show.
        wanted: (N,) true classes.
        count: nearest ones of each.
    """
    made = []
    for name in asked:
        number = list(classes).index(name)
        of_class = log_probabilities[wanted == number]
        if not len(of_class):
            continue
        mean = np.exp(of_class.astype(np.float64)).mean(0)
        order = [place for place in np.argsort(-mean, kind="stable").tolist() if place != number][:count]
        for rank, place in enumerate(order, 1):
            made.append(
                {"class": name, "own": mean[number], "rank": rank, "near": classes[place], "share": mean[place]}
            )
    return made
