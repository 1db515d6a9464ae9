"""What other trainings gave: `metrics/<run>/seeds/seeds.csv`, which `make seeds` writes and a commit carries.

A row is a number of a method by one draw of two seeds, that of the base model (0 is the shipped one) and its own (0 is
the shipped run). Intervals are on the shipped base model: they take the rows whose `base_seed` is 0.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from stages.base.errors import InputError
from stages.base.paths import NONE

COLUMNS = ["method", "protocol", "metric", "aggregate", "base_seed", "seed", "value"]

#: A number: method, protocol, metric and aggregate.
Key = tuple[str, str, str, str]

#: The table has six digits; a shipped number that differs by more is of another training.
DIGIT = 2e-6


@dataclass(frozen=True)
class Trainings:
    """The values of each number over the seeds, on the shipped base model; `Trainings({}, frozenset())` is none."""

    values: Mapping[Key, tuple[float, ...]]
    """By seed, the shipped run first."""
    learnt: frozenset[str]
    """Methods that learn."""

    def of(self, key: Key, shipped: float) -> tuple[float, ...] | None:
        """Return a number by each training; None for a method that does not learn, whose number no seed can move.

        A method that learns, and of whose shipped number the table knows nothing, has one training.
        """
        if key[0] not in self.learnt:
            return None
        return (shipped,) if self.stale(key, shipped) else self.values[key]

    def stale(self, key: Key, shipped: float) -> bool:
        """Return whether the table has no such number, or that of another training than the shipped one."""
        return key not in self.values or abs(self.values[key][0] - shipped) > DIGIT

    def stale_methods(self, scores: pl.DataFrame) -> list[str]:
        """Return the methods that learn and have a headline number in SCORES that this table does not fit."""
        rows = scores.filter(pl.col("aggregate").is_in(["mca", "macro_f1"])).select(*COLUMNS[:4], "value").rows()
        return sorted({row[0] for row in rows if row[0] in self.learnt and self.stale(row[:4], row[4])})


def read(folder: Path | None, methods: Collection[str], learnt: Collection[str]) -> Trainings:
    """Return the trainings of a run; none where there is no table.

    Args:
        folder: that `make seeds` wrote.
        methods: that are compared, null models too.
        learnt: those that learn; a method with a second seed is taken for one as well.

    Raises:
        InputError: the table lacks a column, names a method that is not compared, holds what is no number or a draw
            twice, or lacks the shipped one.
    """
    path = (folder or Path(NONE)) / "seeds.csv"
    drawn: dict[Key, dict[int, float]] = {}
    seen = set()
    for line, row in rows_of(path, COLUMNS):
        base, seed, value = (_number(path, line, row, column) for column in COLUMNS[4:])
        if row["method"] not in methods:
            raise InputError(
                f"unknown method {row['method']}",
                file=path,
                row=line,
                key="method",
                do="give it a record in params.yaml, or run `make seeds` again",
            )
        key: Key = (row["method"], row["protocol"], row["metric"], row["aggregate"])
        if (*key, base, seed) in seen:
            raise InputError(
                f"{'/'.join(key)} stands here twice",
                file=path,
                row=line,
                key="seed",
                do="write the table again: `make seeds`",
            )
        seen.add((*key, base, seed))
        if base == 0:
            drawn.setdefault(key, {})[int(seed)] = value
    lacking = ["/".join(key) for key, of_seed in sorted(drawn.items()) if 0 not in of_seed]
    if lacking:
        raise InputError(
            "seed 0, the shipped run, is missing",
            file=path,
            row=lacking[0],
            key="seed",
            do="write the table again: `make seeds`",
        )
    values = {key: tuple(of_seed[seed] for seed in sorted(of_seed)) for key, of_seed in drawn.items()}
    return Trainings(values, frozenset(learnt) | {key[0] for key, of_seed in values.items() if len(of_seed) > 1})


def rows_of(path: Path, columns: Collection[str]) -> list[tuple[int, dict[str, str]]]:
    """Return line number and row of a table that `make seeds` writes; none where there is no file.

    Raises:
        InputError: it lacks a column.
    """
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines, strict=True)
        lacking = [name for name in columns if name not in (reader.fieldnames or [])]
        if lacking:
            raise InputError(
                f"columns {lacking} are missing",
                file=path,
                row=1,
                do=f"its first line is {','.join(columns)}; `make seeds` writes it",
            )
        return [(reader.line_num, row) for row in reader]


def _number(path: Path, line: int, row: Mapping[str, str | None], column: str) -> float:
    text = row[column]
    try:
        value = float(text or "")
        whole = column == "value" or (value >= 0 and value == int(value))
    except (ValueError, OverflowError):
        value, whole = math.nan, False
    if not (math.isfinite(value) and whole):
        raise InputError(
            f"{text!r} is no {'number' if column == 'value' else 'seed, 0 or a positive whole number'}",
            file=path,
            row=line,
            key=column,
            do="correct it, or write the table again: `make seeds`",
        )
    return value
