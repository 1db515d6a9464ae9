"""The rows that scoring writes: verdicts of clips, scores of protocols, headline numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from stages.metrics.registry import METRICS
from stages.score.aggregate import aggregates
from stages.score.answers import Answers
from stages.score.free_text import free_text
from stages.stats.clips import Clips
from stages.stats.design import Design, Ints
from stages.stats.intervals import Level


def verdict_rows(method: str, clips: Clips, answers: Answers) -> pl.DataFrame:
    """Return a row of VERDICTS for each test clip."""
    first = [None] * len(clips.ids) if answers.named is None else answers.named[0].tolist()
    fraction = answers.fraction
    return pl.DataFrame(
        {
            "clip_id": clips.column,
            "method": method,
            "metric": answers.metric,
            "right": pl.Series(fraction, nan_to_null=True),
            "label": pl.Series(first, dtype=pl.String),
            "labels": pl.Series([None] * len(clips.ids), dtype=pl.List(pl.List(pl.String))),
            "repeats": pl.Series((~np.isnan(answers.right)).sum(0), dtype=pl.Int32),
            "left_out": pl.Series(answers.left_out.tolist(), dtype=pl.String),
        }
    )


def score_rows(
    method: str,
    clips: Clips,
    answers: Answers,
    protocols: Sequence[str],
    level: Level,
    unseen: Callable[[str], Collection[str]] = lambda _: (),
) -> Iterator[Any]:
    """Yield the rows of SCORES of one metric; a protocol without any scored clip has none.

    `unseen` has the classes that training never had, by protocol.
    """
    scored, metric = ~np.isnan(answers.fraction), METRICS.get(answers.metric)
    for protocol in protocols:
        places = clips.protocols[protocol]
        places = places[scored[places]]
        if not len(places):
            continue
        design = Design.of(clips.label[places].tolist(), clips.subject[places].tolist())
        named = None if answers.named is None else _codes(answers.named[:, places], design)
        every = aggregates(design, answers.right[:, places], named, level)
        if metric is not None:
            strange = unseen(protocol) if metric.counts_unseen else ()
            every = chain(every, free_text(design, answers.at(places), metric, strange, level))
        for found in every:
            key = {"method": method, "protocol": protocol, "metric": answers.metric, "aggregate": found.name}
            yield {**key, "value": found.value, **found.bounds._asdict(), **found.size._asdict()}


def _codes(named: Any, design: Design) -> Ints:
    place = {name: index for index, name in enumerate(design.classes)}
    return np.array([[place.get(name, -1) for name in draw] for draw in named.tolist()], dtype=np.int64)


def headline(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> tuple[dict[str, float], list[str]]:
    """Return "protocol.metric.aggregate" -> value for the keys that there are, and the keys that there are not."""
    found = {f"{row['protocol']}.{row['metric']}.{row['aggregate']}": row["value"] for row in rows}
    return {key: found[key] for key in keys if key in found}, [key for key in keys if key not in found]
