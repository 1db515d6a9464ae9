"""Thresholds of class scores tuned on the validation part of a protocol, never on what is tested."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from stages.base.errors import InputError
from stages.score.set_scores import check_classes, score_matrix
from stages.stats.design import Floats, Mask
from stages.stats.label_sets import matrix

#: The threshold of a class that the validation part does not have: nothing can be tuned.
UNTUNED = 0.5


def tuned(
    measures: pl.DataFrame, manifest: pl.DataFrame, rows: pl.DataFrame, protocol: str, classes: list[str], file: Path
) -> dict[str, float]:
    """Return for each class the threshold with the best F1 on a protocol's validation part.

    Args:
        measures: of the method by a metric of sets, those of validation clips among them.
        manifest: labels of the clips.
        rows: of table SPLITS, those of the protocol's validation part.
        protocol: one without folds.
        classes: of the data set.
        file: that holds the measures.

    Raises:
        InputError: the protocol has folds or no validation part, or the method has no scores for it.
    """
    if rows.is_empty() or (rows["fold"] != "").any():
        what = "has folds" if len(rows) else "has no validation part"
        raise InputError(
            f"thresholds cannot be tuned: protocol {protocol} {what}", key="sets.thresholds", do="say own or a number"
        )
    usable = manifest.filter(pl.col("error").is_null()).select("clip_id", pl.col("labels").alias("actual"))
    held = measures.filter((pl.col("repeat") == 0) & pl.col("class_scores").is_not_null())
    held = held.join(usable, on="clip_id").join(rows.select("clip_id"), on="clip_id", how="semi").sort("clip_id")
    if held.is_empty():
        raise InputError(
            f"no class scores for the validation part of {protocol}, so no threshold can be tuned",
            file=file,
            do="predict its clips too (`parts: [validation, test]`), or say own or a number",
        )
    check_classes(held, classes, file)
    scores, actual = score_matrix(held, classes, file), matrix(held["actual"].to_list(), classes)
    return {name: best(actual[:, c], scores[:, c]) for c, name in enumerate(classes)}


def best(actual: Mask, score: Floats) -> float:
    """Return the threshold with the best F1 of the scores that exceed it; of equally good ones that nearest to 0.5.

    Thresholds lie half-way between neighbouring scores, and below the lowest and above the highest. A class without
    clips gets `UNTUNED`. `actual` and `score` are (N,).
    """
    if not actual.any():
        return UNTUNED
    levels = np.unique(score[np.isfinite(score)])
    if not len(levels):
        return UNTUNED
    between = (levels[:-1] + levels[1:]) / 2
    limits = np.concatenate([[levels[0] - 1e-6], between, [levels[-1]]])
    named = score[:, None] > limits  # (N, L)
    f1 = 2 * (named & actual[:, None]).sum(0) / (named.sum(0) + actual.sum())
    good = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return float(limits[good[np.argmin(np.abs(limits[good] - UNTUNED))]])
