"""Which numbers are partly a model's agreement with itself, told by the revisions in the tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from stages.base.schema import JUDGEMENTS
from stages.base.tables import read_table
from stages.metrics.registry import METRICS
from stages.report.inputs import Inputs

#: Metrics that compare an answer with the reference caption, and those whose value another model says.
TO_REFERENCE = [name for name, metric in METRICS.items() if metric.to_reference]
JUDGED = [name for name, metric in METRICS.items() if metric.judged]


class Agreement(NamedTuple):
    """A method's metrics that are partly self-agreement, and why."""

    method: str
    metrics: list[str]
    why: str


def self_agreement(inputs: Inputs) -> list[Agreement]:
    """Return what shares weights: a method with the writer of the references, the judge with either of them.

    Revisions are compared by their base: a model with an adapter (`base+adapter`) shares its weights. Published files
    and servers that state no revision share none that could be known.
    """
    writers = set() if inputs.captions is None else bases(inputs.captions["revision"].to_list())
    found = []
    for method in inputs.everyone:
        own = bases(inputs.predictions[method]["revision"].to_list())
        measured = set(inputs.measures[method].drop_nulls("value")["metric"].unique().to_list())
        if own & writers and (metrics := [name for name in TO_REFERENCE if name in measured]):
            found.append(Agreement(method, metrics, "its model wrote the reference captions too"))
        judgements = [name for name in JUDGED if name in measured]
        judges = judged_by(inputs, method) if judgements else set()
        shared = [
            what for what, those in (("wrote the answers", own), ("wrote the references", writers)) if judges & those
        ]
        if shared:
            found.append(Agreement(method, judgements, f"the judge's model {' and '.join(shared)} too"))
    return found


def judged_by(inputs: Inputs, method: str) -> set[str]:
    """Return the revisions of the models that judged a method's answers."""
    file = inputs.run.measures(method) / "judgements.parquet"
    return bases(read_table(file, JUDGEMENTS)["revision"].to_list()) if file.exists() else set()


def bases(revisions: Iterable[str | None]) -> set[str]:
    """Return the revisions without adapters, each once."""
    return {revision.partition("+")[0] for revision in revisions if revision}
