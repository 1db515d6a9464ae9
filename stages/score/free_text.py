"""Aggregates of metrics that read free text: the mean of a value, answers that name no class, or an unseen one.

"OV-HHIR" (Ray et al.) states the mean and the standard deviation of a cosine (Table II; over what, is open) and names
six classes outside of training among which, and the trained ones, its classifier chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import numpy as np

from stages.metrics.metric import Metric
from stages.score.aggregate import UNTOLD, Aggregate, Bounds, Size, told
from stages.score.answers import Answers
from stages.stats.design import Design, Floats
from stages.stats.intervals import Level, aggregate, difference
from stages.stats.spread import spread


def free_text(
    design: Design, answers: Answers, metric: Metric, unseen: Collection[str], level: Level
) -> Iterator[Aggregate]:
    """Yield mean and clip_sd of an averaged metric; unmapped and names_unseen of one that counts them.

    `mean` is over clips, each the mean of its draws, with Student's interval; `clip_sd` the standard deviation between
    clips. `unmapped` is the share of answers that name no class; `names_unseen`, where there is such a class, the share
    that name one of `unseen`.

    Args:
        design: the N scored clips.
        answers: of these clips.
        metric: what it says of itself.
        unseen: classes that training never had.
        level: of the intervals.
    """
    size = Size(len(design.of_class), len(design.classes), len(design.subjects))
    if metric.averaged:
        yield from _averages(design, answers.value, size, level)
    if answers.named is None:
        return
    if metric.counts_unmapped:
        yield _share("unmapped", design, answers, lambda name: name is None, size, level)
    if metric.counts_unseen and unseen:
        yield _share("names_unseen", design, answers, lambda name: name in unseen, size, level)


def _averages(design: Design, value: Floats, size: Size, level: Level) -> Iterator[Aggregate]:
    of_clip = np.nanmean(value, axis=0)
    mean = float(of_clip.mean())
    cells = design.cells(of_clip)
    variance, freedom = spread(cells, cells.clips.sum(1) / len(of_clip))
    bounds = UNTOLD
    if not np.isnan(variance):
        found = difference(mean, float(variance), float(freedom), level.confidence)  # a cosine, within -1..1
        bounds = Bounds(float(found.low), float(found.high))
    yield Aggregate("mean", mean, bounds, size)
    if len(of_clip) > 1:
        yield Aggregate("clip_sd", float(of_clip.std(ddof=1)), UNTOLD, size)


def _share(
    name: str, design: Design, answers: Answers, counted: Callable[[object], bool], size: Size, level: Level
) -> Aggregate:
    known, named = ~np.isnan(answers.right), answers.named.tolist() if answers.named is not None else []
    held = np.array([[counted(label) for label in draw] for draw in named], dtype=np.bool_)
    of_clip = (known & held).sum(0) / known.sum(0)
    cells = design.cells(of_clip)
    weights = cells.clips.sum(1) / len(of_clip)
    value = float(of_clip.mean())
    return Aggregate(name, value, told(aggregate(value, cells, weights, weights, level)), size)
