"""A paper's numbers beside ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from stages.base.errors import InputError
from stages.base.tables import read_json


class Target(BaseModel):
    """One number of a paper."""

    model_config = ConfigDict(extra="forbid")

    model: str
    """Our method, or any other name where we have none."""
    against: str | None = None
    """Another method: the number is the difference to it, of a paper that prints no other."""
    dataset: str | None = None
    """The data set whose page shows it, of a paper of several; null: every page whose record names the file."""
    protocol: str
    metric: str
    aggregate: str
    """A column of `summary.csv`: mca, accuracy, macro_f1, mean or another that has no `_low` or `_high` behind it."""
    value: float
    """As a fraction."""
    where: str
    """Table or section of the paper."""
    reasons: list[str] = []
    """Keys of `Targets.reasons`: why ours may differ."""
    reference: bool = False
    """The number is given to compare with only: the model or metric is not run here by default, and the page says so
    as long as there is no number of ours."""


class Targets(BaseModel):
    """`papers/<paper>/targets.json`."""

    model_config = ConfigDict(extra="forbid")

    paper: str
    reasons: dict[str, str] = {}
    protocol_reasons: list[str] = []
    """Those reasons that say that the protocol itself differs: such rows are flagged."""
    targets: list[Target]


def beside_ours(path: Path, summary: pl.DataFrame, dataset: str) -> dict[str, Any]:
    """Return the paper's title and one row a number: the paper's, ours with its interval, difference, reasons, flag.

    Numbers of other data sets than the page's are left out.

    Raises:
        InputError: the file is not as `Targets` says, or names a reason that it does not give.
    """
    try:
        targets = Targets.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{first['msg']}, got {first['input']!r}", file=path, key=key, do="correct the value"
        ) from None
    ours = {(row["method"], row["protocol"], row["metric"]): row for row in summary.iter_rows(named=True)}
    rows = []
    for index, target in enumerate(targets.targets):
        unknown = [reason for reason in target.reasons if reason not in targets.reasons]
        if unknown:
            raise InputError(f"reasons {unknown} are not explained", file=path, row=index, do="add them to `reasons`")
        if target.dataset not in (None, dataset):
            continue
        row = ours.get((target.model, target.protocol, target.metric), {})
        mine = row.get(target.aggregate)
        if target.against is not None:  # its interval is among the differences, not here
            other = ours.get((target.against, target.protocol, target.metric), {}).get(target.aggregate)
            row, mine = {}, None if mine is None or other is None else mine - other
        mine = float(mine) if mine is not None else None
        rows.append(
            {
                **target.model_dump(exclude={"reasons", "reference", "dataset"}),
                "ours": mine,
                "low": row.get(f"{target.aggregate}_low"),
                "high": row.get(f"{target.aggregate}_high"),
                "difference": None if mine is None else mine - target.value,
                "not_run": target.reference and mine is None,
                "protocol_differs": any(reason in targets.protocol_reasons for reason in target.reasons),
                "reasons": target.reasons,
            }
        )
    return {"paper": targets.paper, "rows": rows, "reasons": targets.reasons}
