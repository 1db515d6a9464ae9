"""`shipped/record.json`: of each shipped cell what the lock said of it, where it was trained and how long that took."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from stages.base.tables import write_json

NAME = "record.json"


class Shipped(BaseModel):
    """What is on record of a cell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry: str
    """Hash of the cell's whole entry in `dvc.lock` when it was shipped."""
    outs: str
    """Hash of the outputs in it."""
    processor: str | None
    """Kind of processor that these outputs were trained on; None where the system did not say."""
    seconds: int | None
    """How long the training took there; None where nobody measured it (`make retrain` does)."""


Record = dict[str, Shipped]


def read_record(folder: Path) -> Record:
    """Return the record of a store, cell by cell: empty, with a word, where it cannot be read."""
    path = folder / NAME
    try:
        return {name: Shipped.model_validate(value) for name, value in json.loads(path.read_text())["cells"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        print(f"ship: {path}: not to be read ({error}); `make ship` writes it again", file=sys.stderr)
        return {}


def write_record(folder: Path, record: Record) -> None:
    """Write the record of a store."""
    write_json(folder / NAME, {"cells": {name: one.model_dump() for name, one in record.items()}})


def duration(record: Record, names: Iterable[str]) -> str:
    """Return in words how long training these cells takes."""
    wanted = list(names)
    known = [record[name].seconds for name in wanted if name in record]
    seconds = sum(one for one in known if one is not None)
    unknown = len(wanted) - sum(one is not None for one in known)
    said = f"about {seconds / 60:.0f} min" if seconds >= 90 else f"about {seconds} s"
    if unknown == len(wanted):
        return "nobody has measured for how long"
    return said + (f", and {unknown} of them nobody has measured" if unknown else "")


def seconds_file(repo: Any) -> Path:
    """Return the file in which `retrain` leaves for `push` how long each cell took; it is this machine's own."""
    return Path(repo.tmp_dir) / "trained_seconds.json"
