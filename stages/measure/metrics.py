"""How each metric is measured, by name, and what a dry run says; the metrics are files of `stages/metrics`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from stages.metrics import registry
from stages.metrics.context import Context, Row

METRICS: Mapping[str, Callable[[Context], Iterable[Row]]] = {
    name: metric.rows for name, metric in registry.METRICS.items()
}


def dry(context: Context) -> list[str]:
    """Return what the models of the metrics would be asked, as lines; nothing is asked and written."""
    wanted = [registry.METRICS[name].dry for name in dict.fromkeys(context.params.metrics)]
    said = [line for asks in wanted if asks is not None for line in asks(context)]
    return said or ["no judge: no model is asked"]
