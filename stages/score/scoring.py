"""All of a method's metrics, each its own way: verdicts of clips, aggregates of protocols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from stages.base.errors import InputError
from stages.metrics.registry import METRICS
from stages.score.answers import read_answers
from stages.score.multi import set_aggregates
from stages.score.params import ScoreParams, SetParams
from stages.score.set_scores import Sets, read_sets, set_rows
from stages.score.split_parts import SplitParts
from stages.score.tables import score_rows, verdict_rows
from stages.score.tuning import tuned
from stages.stats.clips import Clips
from stages.stats.intervals import Level
from stages.stats.label_sets import matrix

#: The metrics whose rows name sets of classes.
OF_SETS = [name for name, metric in METRICS.items() if metric.names == "set"]


class Method(NamedTuple):
    """A method's measures, and the clips that they are of."""

    name: str
    protocol: str
    """The one that it is scored on; all: every one."""
    measures: pl.DataFrame
    """Table MEASURES without the column `method`."""
    file: Path
    """That holds them."""
    manifest: pl.DataFrame
    parts: SplitParts
    clips: Clips
    classes: list[str]
    """Of the data set, in order."""

    def protocols(self, metric: str, params: ScoreParams) -> list[str]:
        """Return the protocols that one of its metrics is scored on.

        Raises:
            InputError: what params call a subset of its protocol tests other clips too.
        """
        known, subsets = self.clips.protocols, params.subsets.get(self.protocol, [])
        own = [name for name in known if self.protocol in ("all", name) or name in subsets]
        for name in set(own) & set(subsets):
            if not set(known[name].tolist()) <= set(known.get(self.protocol, np.empty(0)).tolist()):
                raise InputError(
                    f"{name} tests clips that {self.protocol} does not",
                    key=f"score.subsets.{self.protocol}",
                    do="name subsets of its test part: of other clips what learnt from it may have learnt",
                )
        return [name for name in own if params.allows(name, metric)]

    def unseen(self, protocol: str) -> frozenset[str]:
        """Return the classes that training never had, where the same protocol tests one of them.

        It is the protocol that the method learnt from; of one that learnt from none it is `protocol` itself, so that
        rows can be compared. One without a train part tells of no class that it was not seen.
        """
        learnt = protocol if self.protocol == "all" else self.protocol
        seen, tested = (self.parts.classes(learnt, part) for part in ("train", "test"))
        return frozenset(self.classes) - seen if seen and tested - seen else frozenset()


class Scored(NamedTuple):
    """Rows of SCORES, and of VERDICTS metric by metric."""

    rows: list[dict[str, Any]]
    verdicts: list[pl.DataFrame]


def scored(method: Method, params: ScoreParams, where: str) -> Scored:
    """Return a method's scores and verdicts by all metrics that its measures hold.

    Raises:
        InputError: measures or params do not allow it; `where` names the params in messages.
    """
    level = Level(params.confidence, params.assumed_icc)
    found = Scored([], [])
    single = method.measures.select("clip_id", "repeat", "metric", "value", "label", "detail")
    of_sets = single["metric"].is_in(OF_SETS)
    single = single.filter(~of_sets) if of_sets.any() else single
    for answers in read_answers(single, method.clips, params.thresholds, method.file, where):
        protocols = method.protocols(answers.metric, params)
        found.rows.extend(score_rows(method.name, method.clips, answers, protocols, level, method.unseen))
        found.verdicts.append(verdict_rows(method.name, method.clips, answers))
    for metric in OF_SETS:
        measures = method.measures.filter(pl.col("metric") == metric)
        if measures.is_empty():
            continue
        if params.sets is None:
            raise InputError(
                "answers are sets of labels, and nothing says how sets are scored",
                file=where,
                key="score.sets",
                do="say how thresholds come about, such as sets: {thresholds: {default: own}, rules: null}",
            )
        protocols = method.protocols(metric, params)
        sets, thresholds = _sets(method._replace(measures=measures), params.sets, protocols)
        found.rows.extend(_set_scores(method, metric, sets, thresholds, params.sets, protocols, level))
        found.verdicts.append(set_rows(method.name, metric, method.clips, sets))
    return found


def _sets(method: Method, params: SetParams, protocols: Sequence[str]) -> tuple[Sets, dict[str, float]]:
    """Return the sets that a method names, and the thresholds by which it does (none: its own sets)."""
    classes = method.classes
    sets, how = read_sets(method.measures, method.clips, classes, method.file), params.threshold(method.name)
    if how == "own":
        return sets, {}
    if not sets.scored.any():
        raise InputError(
            f"{method.name} scores no classes, so no threshold can be laid",
            file=method.file,
            key="class_scores",
            do=f"say `{method.name}: own` under sets.thresholds",
        )
    if how == "tuned":
        if len(protocols) != 1:
            raise InputError(
                f"thresholds tuned on one protocol's validation part may not be tested by another: {method.name} is "
                f"scored on {', '.join(protocols)}",
                key="protocol",
                do=f"name one protocol in the record of {method.name}",
            )
        thresholds = tuned(
            method.measures,
            method.manifest,
            method.parts.clips(protocols[0], "validation"),
            protocols[0],
            classes,
            method.file,
        )
    elif isinstance(how, dict):
        if set(how) != set(classes):
            raise InputError(
                f"thresholds of {method.name} are for {', '.join(sorted(how))}, and the classes are "
                f"{', '.join(classes)}",
                key=f"sets.thresholds.{method.name}",
                do="give one for each class",
            )
        thresholds = {name: float(how[name]) for name in classes}
    else:
        thresholds = dict.fromkeys(classes, float(how))
    return sets.over(thresholds), thresholds


def _set_scores(
    method: Method,
    metric: str,
    sets: Sets,
    thresholds: dict[str, float],
    params: SetParams,
    protocols: Sequence[str],
    level: Level,
) -> Iterator[dict[str, Any]]:
    clips, known = method.clips, np.asarray(sets.known.any(0))
    actual = matrix(clips.labels.tolist(), sets.classes)
    for protocol in protocols:
        places = clips.protocols[protocol]
        places = places[known[places]]
        if not len(places):
            continue
        key = {"method": method.name, "protocol": protocol, "metric": metric}
        size = {"clips": len(places), "classes": 1, "subjects": len(np.unique(clips.subject[places].astype(str)))}
        for found in set_aggregates(sets, actual, places, clips.subject[places].tolist(), params.rules, level):
            yield {
                **key,
                "aggregate": found.name,
                "value": found.value,
                **found.bounds._asdict(),
                **found.size._asdict(),
            }
        for name, value in thresholds.items():
            yield {**key, "aggregate": f"threshold:{name}", "value": value, **size}
