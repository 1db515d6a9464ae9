"""Methods as params.yaml records them, and as `measure` writes them down for the stages after it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from stages.base.paths import NULLS, REFERENCES, Run
from stages.base.schema import PREDICTIONS
from stages.base.tables import write_table
from stages.methods.records import Method, write_methods


def records(run: Run, *methods: str, **changes: Any) -> dict[str, dict[str, Any]]:
    """Return the records of methods that are asked, as `methods` of params.yaml."""
    return {
        f"{run.name}_{name}": {
            "dataset": run.name,
            "method": name,
            "title": name,
            "model": "guess",
            "strategy": "describe",
            "protocol": "all",
            "adapter": "data/none",
            **changes,
        }
        for name in methods
    }


def list_methods(
    run: Run,
    methods: Iterable[str],
    *,
    learnt: Collection[str] = (),
    protocols: Mapping[str, str] | None = None,
    titles: Mapping[str, str] | None = None,
) -> None:
    """Write the list of the methods that were measured; what is called null_... is a null model."""
    found = []
    for name in methods:
        kind: Any = "null" if name in NULLS else "references" if name == REFERENCES else "asked"
        kind = "learnt" if name in learnt else kind
        found.append(Method(name, (titles or {}).get(name, name), kind, (protocols or {}).get(name, "all")))
    write_methods(run, found)


def write_nulls(run: Run, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the null models' answers, all the same."""
    for name in NULLS:
        write_table(run.predictions(name), [{**row, "method": name} for row in rows], PREDICTIONS)
