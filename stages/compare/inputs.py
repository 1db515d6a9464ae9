"""What was measured and scored of every method, read and checked once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import MANIFEST, MEASURES, SCORES, SPLITS, VERDICTS
from stages.base.tables import read_table
from stages.compare.named import LEFT_OUT, NO_CLASS, tell_all
from stages.stats.clips import Clips, Objects, check_known, clips_to_score, of_scores, of_tests
from stages.stats.design import Floats, Ints, Mask


@dataclass(frozen=True)
class Inputs:
    """All methods' tables."""

    clips: Clips
    """The M test clips."""
    scores: pl.DataFrame
    """SCORES of all methods."""
    verdicts: pl.DataFrame
    """VERDICTS of all methods, with `place` (index of the clip) instead of its id; texts are categories."""
    measures: pl.DataFrame
    """Measures with a value, of test clips: method, metric, repeat, `place` (index of the clip), value."""

    def scored(self) -> list[tuple[str, str, str]]:
        """Return each (protocol, metric, method) that has scores, sorted."""
        keys = self.scores.select("protocol", "metric", "method").unique().rows()
        return sorted((str(protocol), str(metric), str(method)) for protocol, metric, method in keys)

    def right(self, metric: str) -> dict[str, Floats]:
        """Return method -> (M,) share of right draws by a metric, nan where a clip is left out."""
        found = {}
        for method, rows in _by_method(self.verdicts, metric):
            found[method] = np.full(len(self.clips.ids), np.nan)
            found[method][rows["place"].to_numpy()] = rows["right"].to_numpy()
        return found

    def sets(self, metric: str) -> dict[str, Objects]:
        """Return method -> (M,) the set of each draw by a metric of sets, a list of lists; None where left out."""
        found = {}
        for method, rows in _by_method(self.verdicts.filter(pl.col("labels").is_not_null()), metric):
            found[method] = np.full(len(self.clips.ids), None, dtype=object)
            for place, draws in rows.select("place", "labels").iter_rows():
                found[method][place] = draws
        return found

    @cached_property
    def classes(self) -> list[str]:
        """The classes of the clips that an answer which is one class can be scored for, sorted."""
        return sorted(set(self.clips.label[self.clips.usable].tolist()))

    def named(self, metric: str, methods: Collection[str]) -> dict[str, Ints]:
        """Return method -> (M,) the class that was named by a metric of one class, as `stages.compare.named` says it.

        Those of `methods` whose verdicts do not tell all that was named are not in it.
        """
        found = {}
        for method, rows in _by_method(self.verdicts.filter(pl.col("method").is_in(list(methods))), metric):
            place = rows["place"].to_numpy()
            if rows.select(tell_all(pl.lit(self._label[place]))).item():
                codes = rows["label"].cast(pl.String).cast(pl.Enum(self.classes), strict=False).to_physical()
                named = codes.cast(pl.Int64).fill_null(NO_CLASS).to_numpy()
                found[method] = np.full(len(self.clips.ids), LEFT_OUT)
                found[method][place] = np.where(rows["right"].is_null().to_numpy(), LEFT_OUT, named)
        return found

    @cached_property
    def _label(self) -> pl.Series:
        return pl.Series(self.clips.label.tolist(), dtype=pl.String)

    def whole(self, metric: str) -> Mask:
        """Return which of the M clips a metric can score at all: for one of sets also those of several labels."""
        if metric not in self.of_sets:
            return self.clips.usable
        return np.array([why is None for why in self.clips.broken], dtype=np.bool_)

    @cached_property
    def of_sets(self) -> set[str]:
        """The metrics whose answers are sets of classes."""
        return set(self.verdicts.filter(pl.col("labels").is_not_null())["metric"].unique().to_list())

    def values(self, metric: str) -> dict[str, tuple[Ints, Floats]]:
        """Return method -> place of the clip and value of each draw that has one."""
        return {
            method: (rows["place"].to_numpy().astype(np.int64), rows["value"].to_numpy())
            for method, rows in _by_method(self.measures, metric)
        }

    def mask(self, protocol: str) -> Mask:
        """Return which of the M clips a protocol tests."""
        tested = np.zeros(len(self.clips.ids), dtype=np.bool_)
        tested[self.clips.protocols[protocol]] = True
        return tested

    def tested(self, rows: pl.DataFrame, protocol: str) -> pl.DataFrame:
        """Return the rows, which have a column `place`, of the clips that a protocol tests."""
        return rows.filter(pl.Series(self.mask(protocol)[rows["place"].to_numpy()], dtype=pl.Boolean))


def load(run: Run, methods: Sequence[str]) -> Inputs:
    """Read the tables of all methods.

    Raises:
        InputError: a method has no file, its file holds another method's rows or clips that the manifest lacks.
    """
    manifest = read_table(run.manifest, MANIFEST, of_scores)
    clips = clips_to_score(manifest, read_table(run.splits, SPLITS, of_tests), run)
    names = pl.Enum(sorted(methods))

    def of_clip(piece: pl.DataFrame, method: str) -> pl.DataFrame:
        # A row a method, metric and clip: a text in it takes as much as all else, and there are few different ones.
        found = clips.placed(piece).drop("clip_id").with_columns(pl.col(pl.String).cast(pl.Categorical))
        return found.with_columns(pl.lit(method, dtype=names).alias("method"), pl.col("place").cast(pl.Int32))

    def verdict(piece: pl.DataFrame, method: str) -> pl.DataFrame:
        check_known(piece.join(clips.placed(piece), on="clip_id", how="anti"), manifest, run.verdicts(method))
        return of_clip(piece, method)

    def measured(piece: pl.DataFrame, method: str) -> pl.DataFrame:
        wanted = piece.filter(pl.col("value").is_not_null()).select("clip_id", "method", "metric", "repeat", "value")
        return of_clip(wanted, method)

    verdicts, scores, measures = [], [], []
    for method in methods:
        scores.append(_of(run.scores(method), SCORES, method))
        verdicts.append(_of(run.verdicts(method), VERDICTS, method, verdict).sort("metric", "place"))
        of_method = _of(run.measures(method) / "measures.parquet", MEASURES, method, measured)
        measures.append(of_method.sort("metric", "repeat", "place"))
    return Inputs(clips, pl.concat(scores), pl.concat(verdicts), pl.concat(measures))


def _by_method(table: pl.DataFrame, metric: str) -> Iterator[tuple[str, pl.DataFrame]]:
    rows = table.filter(pl.col("metric") == metric)
    for (method,), of_method in rows.group_by("method", maintain_order=True):
        yield str(method), of_method


def _of(
    path: Path,
    schema: pa.Schema,
    method: str,
    kept: Callable[[pl.DataFrame, str], pl.DataFrame] = lambda piece, _: piece,
) -> pl.DataFrame:
    def own(piece: pl.DataFrame) -> pl.DataFrame:
        others = sorted(set(piece["method"].unique()) - {method})
        if others:
            raise InputError(f"holds rows of {others}, expected {method}", file=path, do="run `dvc repro`")
        return kept(piece, method)

    return read_table(path, schema, own)
