"""Params of the measures: what metrics share, and a block for each metric that has params of its own."""

from __future__ import annotations

from typing import Any

from pydantic import create_model, field_validator, model_validator

from stages.base.params import Declared
from stages.methods.records import Record
from stages.metrics.context import Settings
from stages.metrics.registry import METRICS
from stages.vlm.params import MaybeVlmParams

#: The blocks that metrics have for themselves: name -> type and default.
BLOCKS: dict[str, Any] = {
    name: (metric.params | None, metric.default) for name, metric in METRICS.items() if metric.params is not None
}


class MeasureParams(create_model("Blocks", __base__=Settings, **BLOCKS)):  # type: ignore[misc]  # blocks are not listed
    """Block `measure` of a data set: what is measured on its answers."""

    @field_validator("metrics")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        if strange := [name for name in names if name not in METRICS]:
            raise ValueError(f"no such metric: {', '.join(strange)}; there are {', '.join(METRICS)}")
        return names

    @model_validator(mode="after")
    def _complete(self) -> MeasureParams:
        for name in self.metrics:
            if METRICS[name].params is not None and getattr(self, name) is None:
                raise ValueError(f"metric {name} needs a block `{name}`")
        return self


PARAMS: Declared = {
    "measure.{dataset}": MeasureParams,
    "vlm.{judge}": MaybeVlmParams,
    "methods": dict[str, Record],
}
