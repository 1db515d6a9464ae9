"""Params of scoring."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stages.base.params import Declared, Params
from stages.compare.params import CompareParams
from stages.labels.rules import Rules

Fraction = Annotated[float, Field(ge=0, le=1)]


class SetParams(Params):
    """How answers that are sets of labels are scored."""

    thresholds: dict[str, Literal["own", "tuned"] | Fraction | dict[str, Fraction]]
    """Method -> which classes it names: own (those that it named itself), a number (those whose score exceeds it), a
    number for each class (class -> number) or tuned (those whose score exceeds a threshold of the class's own, by the
    F1 of the protocol's validation part); `default` is for methods that are not named here."""
    rules: Rules | None
    """What a set must keep; sets that do not are counted, never changed. Null: nothing."""

    @model_validator(mode="after")
    def _default(self) -> SetParams:
        if "default" not in self.thresholds:
            raise ValueError("thresholds has no `default`: say own, tuned or a number")
        return self

    def threshold(self, method: str) -> Literal["own", "tuned"] | float | dict[str, float]:
        """Return how a method's sets come about."""
        return self.thresholds.get(method, self.thresholds["default"])


class ScoreParams(Params):
    """Block `score` of a data set: how its values become verdicts, what of it is scored and put forward."""

    confidence: float = Field(ge=0.5, lt=1)
    """Share of intervals that must hold the true value."""
    assumed_icc: Fraction
    """Correlation of two clips of the same subject and class, where no answer differs so that none can be estimated."""
    thresholds: dict[str, Fraction]
    """A metric's answer is right where its value is better than this; for those not named here the metric's own."""
    only: dict[str, list[str]]
    """A metric -> the protocols that it is scored on; all protocols for those not named here. A method that learnt is
    scored on its own protocol: on another it may have learnt from test clips."""
    subsets: dict[str, list[str]] = Field(default_factory=dict)
    """A protocol -> subsets of its test clips, themselves protocols, on which what learnt from it is scored too."""
    headline: list[Annotated[str, Field(pattern=r"^[^.]+\.[^.]+\.[^.]+$")]] = Field(max_length=10)
    """Up to ten `protocol.metric.aggregate` for metrics/<run>/headlines; those that a method lacks are left out."""

    sets: SetParams | None = None
    """Of data sets whose clips have several labels or none; leave it out for others."""

    def allows(self, protocol: str, metric: str) -> bool:
        """Whether a metric is scored on a protocol."""
        return protocol in self.only.get(metric, [protocol])


PARAMS: Declared = {"score.{dataset}": ScoreParams, "compare.{dataset}": CompareParams}
