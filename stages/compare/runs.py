"""What each training of a method said of each clip: `metrics/<run>/seeds/clips.csv`, which `make seeds` writes.

A row is a clip by a metric of a method that learnt, and `said` a JSON list of what its other trainings on the shipped
base model made of it, by their seeds from 1 on: the class that was named, the share of right answers where none was or
where the metric names none, or the sets that were named; null where the clip was left out. What the shipped training
said stands in its verdicts. Tables that were written before classes were kept have shares in their place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stages.base.errors import InputError
from stages.base.paths import NONE
from stages.base.spreadsheet import text_as_written
from stages.compare.inputs import Inputs
from stages.compare.named import LEFT_OUT, NO_CLASS
from stages.compare.seeds import rows_of
from stages.stats.clips import Objects
from stages.stats.design import Floats, Ints

COLUMNS = ["method", "metric", "clip_id", "said"]


@dataclass(frozen=True)
class Runs:
    """What other trainings than the shipped one said."""

    path: Path
    said: Mapping[tuple[str, str], Mapping[str, list[Any]]]
    """(method, metric) -> clip -> what each said."""

    def right(self, inputs: Inputs, method: str, metric: str, trained: int) -> Floats:
        """Return (k, M), the share of right draws of each of k trainings, the shipped one first; nan: left out.

        Raises:
            InputError: the table lacks a clip or a training, or has one too many.
        """
        found, labels = [inputs.right(metric)[method]], inputs.clips.label
        for one in self._others(inputs, method, metric, trained):
            shares = [
                float(draw == label) if isinstance(draw, str) else draw for draw, label in zip(one, labels, strict=True)
            ]
            found.append(np.array(shares, dtype=np.float64))
        return np.vstack(found)

    def keep_classes(self, method: str, metric: str) -> bool:
        """Tell whether all other trainings' classes are known: a share above 0 is of an answer whose class is not."""
        draws = (draw for of_clip in self.said.get((method, metric), {}).values() for draw in of_clip)
        return all(isinstance(draw, str) or not draw for draw in draws)

    def named(self, inputs: Inputs, method: str, metric: str, trained: int) -> Ints:
        """Return (k, M), the class that each of k trainings named, as `Inputs.named` says it. Raises as `right`."""
        place = {name: index for index, name in enumerate(inputs.classes)}
        others = [
            [LEFT_OUT if draw is None else place.get(draw, NO_CLASS) for draw in one]
            for one in self._others(inputs, method, metric, trained)
        ]
        return np.array([inputs.named(metric, [method])[method], *others])

    def sets(self, inputs: Inputs, method: str, metric: str, trained: int) -> list[Objects]:
        """Return, of each of k trainings, (M,) the set of each draw; None: left out. Raises as `right`."""
        found = [inputs.sets(metric)[method]]
        for one in self._others(inputs, method, metric, trained):
            found.append(np.full(len(one), None, dtype=object))
            for place, draws in enumerate(one):
                found[-1][place] = draws
        return found

    def _others(self, inputs: Inputs, method: str, metric: str, trained: int) -> list[list[Any]]:
        """Return what each training but the shipped one said of the M clips."""
        if trained == 1:
            return []
        of_clip = self.said.get((method, metric), {})
        shipped = inputs.verdicts.filter((inputs.verdicts["method"] == method) & (inputs.verdicts["metric"] == metric))
        asked = set(inputs.clips.ids[shipped["place"].to_numpy()])
        odd = sorted(asked ^ set(of_clip)) or [
            clip for clip, draws in sorted(of_clip.items()) if len(draws) != trained - 1
        ]
        if odd:
            raise InputError(
                f"it and seeds.csv are of different trainings of {method} by {metric}",
                file=self.path,
                row=odd[0],
                key="said",
                do="write both again: `make seeds`",
            )
        nothing = [None] * (trained - 1)
        return [list(one) for one in zip(*(of_clip.get(clip, nothing) for clip in inputs.clips.ids), strict=True)]


def read(folder: Path | None) -> Runs:
    """Return a run's table, from the folder that `make seeds` wrote; an empty one where there is none.

    Raises:
        InputError: it lacks a column, or `said` is no list.
    """
    path = (folder or Path(NONE)) / "clips.csv"
    said: dict[tuple[str, str], dict[str, list[Any]]] = {}
    for line, row in rows_of(path, COLUMNS):
        try:
            draws = json.loads(row["said"] or "")
        except ValueError:
            draws = None
        if not isinstance(draws, list):
            raise InputError(
                f"{row['said']!r} is no list", file=path, row=line, key="said", do="write the table again: `make seeds`"
            )
        said.setdefault((row["method"], row["metric"]), {})[text_as_written(row["clip_id"])] = draws
    return Runs(path, said)
