"""Validity of a metric: how well its values separate true pairs from pairs of different classes (ROC AUC).

A true pair is a clip and a method's answer to it, a false pair a clip and an answer to a clip of another class, from
the shuffled null model. 0.5 is no better than chance, whatever the threshold; 1 is perfect.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from stages.compare.inputs import Inputs
from stages.metrics.registry import sign
from stages.stats.design import Floats


def validity(inputs: Inputs, shuffled: str | None, named: set[str]) -> pl.DataFrame:
    """Return method, protocol, metric, auc and the number of pairs of either kind.

    Args:
        inputs: all methods' tables.
        shuffled: the null model that gives the false pairs; None gives an empty table.
        named: metrics that name a class or a set of them, whose value is no measure of a pair.
    """
    rows = []
    scored = [key for key in inputs.scored() if key[1] not in named and shuffled is not None]
    values = {metric: inputs.values(metric) for metric in {metric for _, metric, _ in scored}}
    for protocol, metric, method in scored:
        of_method = values[metric]
        if method == shuffled or shuffled not in of_method or method not in of_method:
            continue
        kept = inputs.mask(protocol) & inputs.clips.usable
        true, false = (sign(metric) * value[kept[clip]] for clip, value in (of_method[method], of_method[shuffled]))
        if not (len(true) and len(false)):
            continue
        rows.append((method, protocol, metric, auc(true, false), len(true), len(false)))
    columns = {
        "method": pl.String,
        "protocol": pl.String,
        "metric": pl.String,
        "auc": pl.Float64,
        "true_pairs": pl.Int64,
        "false_pairs": pl.Int64,
    }
    return pl.DataFrame(rows, schema=columns, orient="row")


def auc(true: Floats, false: Floats) -> float:
    """Return the share of pairs of a true (N,) and a false value (M,) in which the true one is higher, ties as half.

    It is scikit-learn's `roc_auc_score`, which a test compares it with; that took half of the time of `compare`.
    """
    ordered = np.sort(false)
    below, up_to = (np.searchsorted(ordered, true, side).sum(dtype=np.int64) for side in ("left", "right"))
    return float(below + up_to) / (2 * len(true) * len(false))
