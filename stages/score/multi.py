"""Aggregates of sets over a protocol's test part, each with its interval.

Macro numbers are means over the classes that the test part has. Methods with repeated draws enter with the mean of
their draws. What every number means and how its interval comes about is told in `stages.stats.label_sets`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.labels.rules import Rules
from stages.score.aggregate import UNTOLD, Aggregate, Bounds, Size
from stages.score.set_scores import Sets
from stages.stats import label_sets as stats
from stages.stats.design import Floats, Ints, Mask
from stages.stats.intervals import Level
from stages.stats.label_sets import Numbers

#: A number from actual classes (N, C) and what was said of them (N, C): named ones or scores.
Number = Callable[[Mask, Any], Numbers]

#: What is told of each class and of their mean: prefix of the aggregate -> number of actual and named classes.
NAMED: dict[str, Number] = {"f1": stats.f1, "precision": stats.precision, "recall": stats.recall}


def set_aggregates(
    sets: Sets, actual: Mask, places: Ints, subjects: Sequence[str], rules: Rules | None, level: Level
) -> Iterator[Aggregate]:
    """Yield the aggregates of a test part.

    Args:
        sets: of all M clips to score.
        actual: (M, C) the classes that each clip has.
        places: (N,) which of the clips are the protocol's and have an answer.
        subjects: (N,) their clusters.
        rules: what sets should keep; None: nothing is counted.
        level: of the intervals.
    """
    part = actual[places]
    tested: Mask = np.asarray(part.any(0))
    draws = [draw for draw in range(len(sets.known)) if sets.known[draw, places].any()]
    size = Size(len(places), int(tested.sum()), len(set(subjects)))
    if tested.any():
        yield from _of_classes(sets, part, places, subjects, tested, draws, size, level)
    right = sets.right(actual)[:, places]
    yield _share("accuracy", right[draws], subjects, size, level)
    yield from _invented(sets, part, places, subjects, draws, size, level)
    if rules is not None:
        yield from _violations(sets, places, subjects, rules, draws, size, level)


def _of_classes(
    sets: Sets,
    part: Mask,
    places: Ints,
    subjects: Sequence[str],
    tested: Mask,
    draws: list[int],
    size: Size,
    level: Level,
) -> Iterator[Aggregate]:
    found = {
        prefix: [_draw(number, part, sets.named[draw, places], sets.known[draw, places]) for draw in draws]
        for prefix, number in NAMED.items()
    }
    if np.isfinite(sets.scores[:, places]).any():
        found["ap"] = [
            _draw(
                stats.average_precision,
                part,
                np.nan_to_num(sets.scores[draw, places], nan=-np.inf),
                sets.known[draw, places],
            )
            for draw in draws
        ]
    for prefix, numbers in found.items():
        number = Numbers(np.mean([one.value for one in numbers], 0), np.mean([one.influence for one in numbers], 0))
        yield from _with_bounds([f"macro_{prefix}"], number.mean(tested), subjects, [size], level)
        clusters = [{subjects[n] for n in np.flatnonzero(part[:, c]).tolist()} for c in np.flatnonzero(tested)]
        clips = part.sum(0)[tested].tolist()
        of_class = [Size(count, 1, len(having)) for count, having in zip(clips, clusters, strict=True)]
        names = [f"{prefix}:{sets.classes[c]}" for c in np.flatnonzero(tested)]
        kept = Numbers(number.value[tested], number.influence[:, tested])
        yield from _with_bounds(names, kept, subjects, of_class, level)
        if prefix == "f1" and len(sets.known) > 1:
            values = [float(one.value[tested].mean()) for one in numbers]
            yield Aggregate("macro_f1_sd", float(np.std(values, ddof=min(1, len(values) - 1))), UNTOLD, size)


def _draw(number: Number, actual: Mask, said: NDArray[Any], known: Mask) -> Numbers:
    """Return a draw's numbers; a clip without an answer in it contributes nothing."""
    found = number(actual[known], said[known])
    influence = np.zeros(actual.shape)
    influence[known] = found.influence
    return Numbers(found.value, influence)


def _with_bounds(
    names: Sequence[str], number: Numbers, subjects: Sequence[str], sizes: Sequence[Size], level: Level
) -> Iterator[Aggregate]:
    bounds = stats.interval(number, subjects, level)
    for place, (name, size) in enumerate(zip(names, sizes, strict=True)):
        low, high = float(bounds.low[place]), float(bounds.high[place])
        yield Aggregate(name, float(number.value[place]), UNTOLD if np.isnan(low) else Bounds(low, high), size)


def _share(name: str, held: Floats, subjects: Sequence[str], size: Size, level: Level) -> Aggregate:
    """Return the share of clips of which something holds, (R, N), nan where a draw has no answer."""
    known = ~np.isnan(held)
    of_clip = np.where(known, held, 0.0).sum(0) / known.sum(0)
    value = float(of_clip.mean())
    number = Numbers(np.array([value]), ((of_clip - value) / len(of_clip))[:, None])
    (found,) = _with_bounds([name], number, subjects, [size], level)
    return found


def _violations(
    sets: Sets, places: Ints, subjects: Sequence[str], rules: Rules, draws: list[int], size: Size, level: Level
) -> Iterator[Aggregate]:
    broken: dict[str, Floats] = {}
    for row, draw in enumerate(draws):
        for column, clip in enumerate(places.tolist()):
            if not sets.known[draw, clip]:
                continue
            held = {sets.classes[c] for c in np.flatnonzero(sets.named[draw, clip])}
            for name in ("violations", *(f"violations:{breach.rule}" for breach in rules.broken(held))):
                broken.setdefault(name, np.zeros((len(draws), len(places))))
                broken[name][row, column] = name != "violations" or bool(next(rules.broken(held), None))
    unknown = ~sets.known[draws][:, places]
    for name, found in sorted(broken.items()):
        yield _share(name, np.where(unknown, np.nan, found), subjects, size, level)


def _invented(
    sets: Sets, part: Mask, places: Ints, subjects: Sequence[str], draws: list[int], size: Size, level: Level
) -> Iterator[Aggregate]:
    """Yield what answers name that the clips do not have: hallucination, by clip, by class and outside of the list.

    It will not catch what an answer leaves out (that is recall), nor an invention in a caption that no class tells; a
    method that names nothing invents nothing, so the number belongs next to recall.
    """
    known = sets.known[draws][:, places]  # (R, N)
    extra = sets.named[draws][:, places] & ~part  # (R, N, C)
    yield _share("invented", np.where(known, extra.any(-1), np.nan), subjects, size, level)
    per_clip = np.where(known, extra.sum(-1), 0).sum(0) / known.sum(0)
    yield Aggregate("invented_per_clip", float(per_clip.mean()), UNTOLD, size)
    yield _share("outside", np.where(known, sets.outside[draws][:, places], np.nan), subjects, size, level)
    for column, name in enumerate(sets.classes):
        lack = ~part[:, column]
        if lack.any():
            of_class = np.where(known, extra[:, :, column], np.nan)[:, lack]
            clusters = [subject for subject, kept in zip(subjects, lack.tolist(), strict=True) if kept]
            counted = Size(int(lack.sum()), 1, len(set(clusters)))
            yield _share(f"invented:{name}", of_class, clusters, counted, level)
