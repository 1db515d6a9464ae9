"""Params of scoring."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stages.core.params import Declared, Params

Fraction = Annotated[float, Field(ge=0, le=1)]


class ScoreParams(Params):
    """Block `score`: how values become verdicts and verdicts aggregates."""

    thresholds: dict[str, Fraction]
    """A metric's answer is right where its value exceeds this; metrics that name a class need none."""
    confidence: float = Field(ge=0.5, lt=1)
    """Share of intervals that shall hold the true value."""
    assumed_icc: Fraction
    """Correlation of two clips of the same subject and class, where no answer differs so that none can be estimated."""


class ScoredParams(Params):
    """Block `scored.{dataset}`: what of a run is scored and put forward."""

    only: dict[str, list[str]]
    """A metric or method -> the protocols that it is scored on; all protocols for those not named here."""
    headline: list[Annotated[str, Field(pattern=r"^[^.]+\.[^.]+\.[^.]+$")]] = Field(max_length=10)
    """Up to ten `protocol.metric.aggregate` for metrics/<run>/<method>.json; those that a method lacks are left out."""

    def allows(self, protocol: str, method: str, metric: str) -> bool:
        """Whether a method's metric is scored on a protocol."""
        return all(protocol in self.only.get(name, [protocol]) for name in (method, metric))


PARAMS: Declared = {"score": ScoreParams, "scored.{dataset}": ScoredParams}
