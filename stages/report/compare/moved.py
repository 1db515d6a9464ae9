"""Which headline numbers moved between two revisions, by how much and how surely; which clips flipped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from stages.base.paths import Run
from stages.base.schema import MANIFEST, PREDICTIONS, SPLITS, VERDICTS
from stages.report.compare.revision import Revision
from stages.stats.clips import Clips, clips_to_score
from stages.stats.design import Design, Floats, class_weights
from stages.stats.intervals import difference
from stages.stats.label_sets import compared, f1, matrix
from stages.stats.spread import spread

HEADLINES = re.compile(r"metrics/([^/]+)/headlines")
CONFIDENCE = 0.95


class Number(NamedTuple):
    """A headline number at two revisions; None where a revision lacks it."""

    run: str
    method: str
    name: str
    """protocol.metric.aggregate."""
    before: float | None
    after: float | None
    low: float | None
    """Bounds of the 95 % interval of after minus before, paired by clip; None where it cannot be told."""
    high: float | None
    clips: int
    """Clips that both revisions judged."""

    @property
    def difference(self) -> float | None:
        """After minus before."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def sure(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


class Flips(NamedTuple):
    """The clips of a headline number's protocol that a metric judges otherwise at the second revision."""

    run: str
    method: str
    protocol: str
    metric: str
    right: list[str]
    """Became right."""
    wrong: list[str]
    """Became wrong."""
    texts: dict[str, tuple[str | None, str | None]]
    """Clip -> the answers before and after."""

    @property
    def total(self) -> int:
        """Clips that flipped."""
        return len(self.right) + len(self.wrong)


def numbers(before: Revision, after: Revision) -> list[Number]:
    """Return all headline numbers of either revision, those that moved and those that did not."""
    found = []
    for run, method in _headlines(before, after):
        path = run.headlines(method)
        old, new = _values(before, path), _values(after, path)
        for name in sorted({*old, *new}):
            was, now = old.get(name), new.get(name)
            paired = _interval(before, after, run, method, name) if was is not None and now not in (None, was) else None
            found.append(Number(run.name, method, name, was, now, *(paired or (None, None, 0))))
    return found


def flips(before: Revision, after: Revision) -> list[Flips]:
    """Return for each method, protocol and metric of the headlines the clips whose verdict differs."""
    found = []
    for run, method in _headlines(before, after):
        named = {*_values(before, run.headlines(method)), *_values(after, run.headlines(method))}
        for protocol, metric in sorted({tuple(name.split(".")[:2]) for name in named}):
            pairs = _pairs(before, after, run, method, protocol, metric)
            if pairs is None:
                continue
            right = pairs.filter(pl.col("right_after") > pl.col("right"))["clip_id"].to_list()
            wrong = pairs.filter(pl.col("right_after") < pl.col("right"))["clip_id"].to_list()
            if right or wrong:
                texts = _texts(before, after, run, method, [*right, *wrong])
                found.append(Flips(run.name, method, protocol, metric, right, wrong, texts))
    return found


def _headlines(before: Revision, after: Revision) -> list[tuple[Run, str]]:
    outs = {*before.outs(), *after.outs()}
    runs = sorted(Run(match[1]) for path in outs if (match := HEADLINES.fullmatch(path)))
    return [
        (run, method)
        for run in runs
        for method in sorted(
            {Path(name).stem for one in (before, after) for name in one.files(run.metrics / "headlines")}
        )
    ]


def _values(revision: Revision, path: Path) -> dict[str, float]:
    data = revision.read(path)
    values = json.loads(data) if data else {}
    return {key: float(value) for key, value in values.items() if isinstance(value, int | float)}


def _pairs(before: Revision, after: Revision, run: Run, method: str, protocol: str, metric: str) -> pl.DataFrame | None:
    """Return clip_id, right and right_after of the protocol's test clips that both revisions judged."""
    path = run.verdicts(method)
    if before.hash(path) == after.hash(path):
        return None
    old, new = before.table(path, VERDICTS), after.table(path, VERDICTS)
    clips = _clips(before, run), _clips(after, run)
    if old is None or new is None or None in clips:
        return None
    tested = [set(one.ids[one.protocols[protocol]]) if protocol in one.protocols else set() for one in clips if one]
    judged = [
        frame.filter((pl.col("metric") == metric) & pl.col("right").is_not_null()).select("clip_id", "right")
        for frame in (old, new)
    ]
    both = judged[0].join(judged[1], on="clip_id", suffix="_after").sort("clip_id")
    return both.filter(pl.col("clip_id").is_in(sorted(tested[0] & tested[1])))


def _clips(revision: Revision, run: Run) -> Clips | None:
    manifest, splits = revision.table(run.manifest, MANIFEST), revision.table(run.splits, SPLITS)
    return None if manifest is None or splits is None else clips_to_score(manifest, splits, run)


def _interval(
    before: Revision, after: Revision, run: Run, method: str, name: str
) -> tuple[float | None, float | None, int] | None:
    protocol, metric, aggregate = name.split(".", 2)
    clips = _clips(after, run)
    if clips is None:
        return None
    if aggregate == "macro_f1":
        return _of_sets(before, after, run, method, protocol, metric, clips)
    pairs = _pairs(before, after, run, method, protocol, metric)
    if pairs is None or not len(pairs) or aggregate not in ("mca", "accuracy"):
        return None
    place = {clip: index for index, clip in enumerate(clips.ids)}
    at = np.array([place[clip] for clip in pairs["clip_id"]])
    at, moved = at[clips.usable[at]], (pairs["right_after"] - pairs["right"]).to_numpy()[clips.usable[at]]
    if not len(at):
        return None
    design = Design.of(clips.label[at].tolist(), clips.subject[at].tolist())
    return *bounds(design, moved, aggregate), len(at)


def _of_sets(
    before: Revision, after: Revision, run: Run, method: str, protocol: str, metric: str, clips: Clips
) -> tuple[float | None, float | None, int] | None:
    """Return the interval of the difference in macro-F1 of sets, of the first draw; None for metrics of no sets."""
    path, said = run.verdicts(method), []
    for revision in (before, after):
        frame = revision.table(path, VERDICTS)
        if frame is None:
            return None
        rows = frame.filter((pl.col("metric") == metric) & pl.col("labels").is_not_null())
        said.append(dict(rows.select("clip_id", pl.col("labels").list.first()).iter_rows()))
    tested = clips.protocols.get(protocol, np.array([], np.int64)).tolist()
    return set_bounds(
        [
            (clips.labels[place], str(clips.subject[place]), *(one[clips.ids[place]] for one in said))
            for place in tested
            if all(clips.ids[place] in one for one in said)
        ]
    )


def set_bounds(
    clips: Sequence[tuple[Sequence[str], str, Sequence[str], Sequence[str]]],
) -> tuple[float | None, float | None, int] | None:
    """Return the 95 % interval of a difference in macro-F1, and the number of clips; None where no clip has a label.

    Args:
        clips: of each its labels, its cluster and the sets named before and after.
    """
    actual, clusters, old, new = ([clip[part] for clip in clips] for part in range(4))
    classes = sorted({name for labels in actual for name in labels})
    if not classes:
        return None
    truth, every = matrix(actual, classes), np.ones(len(classes), np.bool_)
    was, now = (f1(truth, matrix(said, classes)).mean(every) for said in (old, new))
    found = compared(now, was, [str(cluster) for cluster in clusters], CONFIDENCE)
    return found.low, found.high, len(clips)


def bounds(design: Design, moved: Floats, aggregate: str) -> tuple[float | None, float | None]:
    """Return the 95 % interval of a mean of clips' differences, (N,), with subjects as clusters; None: not told."""
    cells = design.cells(moved)
    weights = class_weights(cells, aggregate)
    value = float(weights @ (cells.total.sum(1) / cells.clips.sum(1)))
    if not cells.square.any():
        return 0.0, 0.0
    variance, freedom = (float(number) for number in spread(cells, weights))
    if np.isnan(variance):
        return None, None
    low, high = difference(value, variance, freedom, CONFIDENCE)
    return float(low), float(high)


def _texts(
    before: Revision, after: Revision, run: Run, method: str, clips: list[str]
) -> dict[str, tuple[str | None, str | None]]:
    said = [dict(_said(revision.table(run.predictions(method), PREDICTIONS), clips)) for revision in (before, after)]
    return {clip: (said[0].get(clip), said[1].get(clip)) for clip in clips}


def _said(frame: pl.DataFrame | None, clips: list[str]) -> Iterator[tuple[str, str | None]]:
    if frame is not None:
        rows = frame.filter((pl.col("repeat") == 0) & pl.col("clip_id").is_in(clips))
        for clip, text, labels, status in rows.select("clip_id", "text", "labels", "status").iter_rows():
            yield clip, text if text is not None else ", ".join(labels) if labels else status
