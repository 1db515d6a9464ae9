"""Params of the comparison of a run's methods."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stages.base.params import Declared, Params


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
    """Block `compare.{dataset}`."""

    methods: list[str] = Field(min_length=1)
    """Methods that are compared; files of others are ignored, and named."""
    nulls: list[str]
    """Null models: what a metric gives to answers that cannot know the clip."""
    learnt: tuple[str, ...] = ()
    """Those of the methods whose number depends on the seed of a training: their intervals, and those of differences
    to them, hold it. A method with a second seed in metrics/<run>/seeds.csv needs no mention."""
    shuffled: str | None
    """Null model whose answers were exchanged between classes; its values are the AUC's false pairs. Null: no AUC."""
    sweep: SweepParams
    """Thresholds that data/<run>/sweep.csv tries."""
    confusion: ConfusionParams | None
    """What data/<run>/confusion_headline.csv holds; null leaves it empty."""

    @property
    def all_methods(self) -> list[str]:
        """Methods and null models, by name."""
        return sorted({*self.methods, *self.nulls})


PARAMS: Declared = {
    "compare.{dataset}": CompareParams,
    "score.confidence": Annotated[float, Field(ge=0.5, lt=1)],
    "score.assumed_icc": Annotated[float, Field(ge=0, le=1)],
}
