"""From one method's measures to its scores, its verdicts and its headline."""

from __future__ import annotations

import os

import polars as pl

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import MANIFEST, MEASURES, SCORES, SPLITS, VERDICTS
from stages.base.tables import read_table, write_json, write_table
from stages.labels.classes import read_classes
from stages.methods import records
from stages.score.params import ScoreParams
from stages.score.scoring import Method, scored
from stages.score.tables import headline
from stages.stats.clips import check_known, clips_to_score


class Scorer:
    """A data set's clips and how they are scored, for one method after the other."""

    def __init__(self, run: Run, params: ScoreParams) -> None:
        """Read manifest and splits.

        Raises:
            InputError: they are not there, or do not fit each other.
        """
        self._run, self._params = run, params
        self._manifest, self._splits = read_table(run.manifest, MANIFEST), read_table(run.splits, SPLITS)
        self._classes = read_classes(run).names
        self.clips = clips_to_score(self._manifest, self._splits, run)

    def score(self, method: records.Method) -> str:
        """Write a method's tables and headline; return what was done, in words.

        Raises:
            InputError: its measures are another method's or of another run, or params do not allow scoring them.
        """
        run, file = self._run, self._run.measures(method.name) / "measures.parquet"
        measures = read_table(file, MEASURES)
        if set(measures["method"].unique()) - {method.name}:
            raise InputError(f"holds rows of other methods than {method.name}", file=file, do="run `dvc repro`")
        check_known(measures, self._manifest, file)
        where = os.environ.get("DVC_STAGE", f"params/datasets/{run.name}.yaml")
        of = Method(
            method.name, method.protocol, measures, file, self._manifest, self._splits, self.clips, self._classes
        )
        rows, verdicts = scored(of, self._params, where)
        write_table(run.scores(method.name), rows, SCORES)
        write_table(run.verdicts(method.name), pl.concat(verdicts) if verdicts else [], VERDICTS)
        numbers, absent = headline(rows, self._params.headline)
        write_json(run.headlines(method.name), numbers)
        did = f"score {run.name} {method.name}: {len(rows)} aggregates"
        return did + (f"; no headline {', '.join(absent)}" if absent else "")
