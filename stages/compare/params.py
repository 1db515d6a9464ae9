"""Params of the comparison of a run's methods."""

from __future__ import annotations

from pydantic import Field

from stages.base.params import Params


class SweepParams(Params):
    """Which thresholds the sweep tries."""

    metrics: list[str]
    """Metrics that are swept: those with values between 0 and 1."""
    steps: int = Field(ge=2, le=1001)
    """Thresholds from 0 to 1 inclusive, evenly spaced."""


class ConfusionParams(Params):
    """Whose confusion matrix `dvc plots` shows."""

    method: str
    """Method."""
    protocol: str
    """Protocol."""
    metric: str
    """Metric that names a class."""


class CompareParams(Params):
    """Block `compare` of a data set."""

    shuffled: str | None = "null_shuffled"
    """Null model whose answers were exchanged between classes; its values are the AUC's false pairs. Null: no AUC."""
    sweep: SweepParams
    """Thresholds that data/<run>/sweep.csv tries."""
    confusion: ConfusionParams | None
    """What data/<run>/confusion_headline.csv holds; null leaves it empty."""
