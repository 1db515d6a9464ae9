"""Mean class accuracy at every threshold, so that one threshold's luck can be seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from stages.compare.inputs import Inputs
from stages.metrics.registry import sign
from stages.stats.design import Floats, Ints

SCHEMA = {"method": pl.String, "protocol": pl.String, "metric": pl.String, "threshold": pl.Float64, "mca": pl.Float64}


def thresholds(steps: int) -> Floats:
    """Return `steps` thresholds from 0 to 1; those of round tenths are exactly the numbers that params.yaml holds."""
    return np.arange(steps) / (steps - 1)


def swept(value: Floats, weight: Floats, at: Floats) -> Floats:
    """Return for each threshold the weight of the values that exceed it, strictly."""
    order = np.argsort(value, kind="stable")
    above = np.append(np.cumsum(weight[order][::-1])[::-1], 0.0)
    weights: Floats = above[np.searchsorted(value[order], at, side="right")]
    return weights


def class_weights(label: Ints, clip: Ints) -> Floats:
    """Return weights under which a sum over draws is the mean over classes of the mean over clips and their draws.

    Args:
        label: (n,) class of each draw's clip.
        clip: (n,) index of each draw's clip.
    """
    draws = np.bincount(clip)[clip]
    present, of_class = np.unique(label, return_inverse=True)
    clips = np.bincount(of_class, weights=1 / draws)
    weights: Floats = 1 / (draws * clips[of_class] * len(present))
    return weights


def sweep(inputs: Inputs, metrics: Sequence[str], steps: int) -> pl.DataFrame:
    """Return method, protocol, metric, threshold, mca for each scored method."""
    at = thresholds(steps)
    label = np.unique(inputs.clips.label.astype(str), return_inverse=True)[1]
    values = {metric: inputs.values(metric) for metric in metrics}
    rows = []
    for protocol, metric, method in inputs.scored():
        if metric not in values or method not in values[metric]:
            continue
        clip, value = values[metric][method]
        kept = (inputs.mask(protocol) & inputs.clips.usable)[clip]
        clip, value = clip[kept], value[kept]
        mca = swept(sign(metric) * value, class_weights(label[clip], clip), sign(metric) * at)
        columns = {"method": method, "protocol": protocol, "metric": metric, "threshold": at, "mca": mca}
        rows.append(pl.DataFrame(columns, schema=SCHEMA))
    return pl.concat([pl.DataFrame(schema=SCHEMA), *rows])
