"""From one method's measures to its scores, its verdicts and its headline."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import MANIFEST, MEASURES, SCORES, SPLITS, VERDICTS
from stages.base.tables import read_table, write_json, write_pieces, write_table
from stages.labels.classes import read_classes
from stages.methods import records
from stages.score.params import ScoreParams
from stages.score.scoring import Method, scored
from stages.score.split_parts import SplitParts
from stages.score.tables import headline
from stages.stats.clips import check_known, clips_to_score, of_scores, of_tests

#: Clips whose verdicts are put in order and written at once.
_AT_ONCE = 16 * 1024


class Scorer:
    """A data set's clips and how they are scored, for one method after the other."""

    def __init__(self, run: Run, params: ScoreParams) -> None:
        """Read manifest and splits.

        Raises:
            InputError: they are not there, or do not fit each other.
        """
        self._run, self._params = run, params
        self._manifest = read_table(run.manifest, MANIFEST, of_scores)
        self._classes = read_classes(run).names
        self.clips = clips_to_score(self._manifest, read_table(run.splits, SPLITS, of_tests), run)
        self._parts = SplitParts(run.splits, self._manifest)

    def score(self, method: records.Method) -> str:
        """Write a method's tables and headline; return what was done, in words.

        Raises:
            InputError: its measures are another method's or of another run, or params do not allow scoring them.
        """
        run, file = self._run, self._run.measures(method.name) / "measures.parquet"
        measures = read_measures(file, method.name, self._manifest)
        where = os.environ.get("DVC_STAGE", f"params/datasets/{run.name}.yaml")
        of = Method(
            method.name, method.protocol, measures, file, self._manifest, self._parts, self.clips, self._classes
        )
        rows, verdicts = scored(of, self._params, where)
        write_table(run.scores(method.name), rows, SCORES)
        write_pieces(run.verdicts(method.name), _by_clip(verdicts, len(self.clips.ids)), VERDICTS)
        numbers, absent = headline(rows, self._params.headline)
        write_json(run.headlines(method.name), numbers)
        did = f"score {run.name} {method.name}: {len(rows)} aggregates"
        return did + (f"; no headline {', '.join(absent)}" if absent else "")


def read_measures(file: Path, method: str, manifest: pl.DataFrame) -> pl.DataFrame:
    """Return a method's measures, table MEASURES without the column `method`.

    Raises:
        InputError: they are another method's, or of clips that the manifest lacks.
    """

    def own(piece: pl.DataFrame) -> pl.DataFrame:
        if set(piece["method"].unique()) - {method}:
            raise InputError(f"holds rows of other methods than {method}", file=file, do="run `dvc repro`")
        return piece.drop("method")

    measures = read_table(file, MEASURES, own)
    check_known(measures, manifest, file)
    return measures


def _by_clip(verdicts: Sequence[pl.DataFrame], clips: int) -> Iterator[pl.DataFrame]:
    """Yield the verdicts of some clips after the other; each metric has a row for each of them, in their order."""
    for start in range(0, clips, _AT_ONCE):
        if verdicts:
            yield pl.concat([of_metric.slice(start, _AT_ONCE) for of_metric in verdicts])
