"""Lists that come with clips, as data sets publish them: CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path


def write_list(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a list whose first line names its columns."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
