"""Tables of annotations read cell by cell; what is wrong names file, line and column."""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from stages.base.errors import InputError
from stages.base.paths import fetch

_CLOCK = re.compile(r"(\d+):([0-5]?\d):([0-5]?\d(?:\.\d+)?)", re.ASCII)


class Cells(NamedTuple):
    """A line of a table."""

    file: Path
    row: int
    """Of the file's lines, from 1; the header is the first."""
    fields: dict[str, str]

    def text(self, key: str) -> str:
        """Return a cell that says something."""
        said = self.fields[key].strip()
        if not said:
            raise self.error("is empty", key, "write it, or remove the row")
        return said

    def whole(self, key: str) -> int:
        """Return a cell that is a whole number from 0."""
        said = self.fields[key].strip()
        if not (said.isascii() and said.isdigit()):
            raise self.error(f"{said!r} is no whole number", key, "write a number from 0")
        return int(said)

    def clock(self, key: str) -> float:
        """Return seconds of a cell that is HH:MM:SS.ss."""
        match = _CLOCK.fullmatch(self.fields[key].strip())
        if match is None:
            raise self.error(f"{self.fields[key]!r} is no time", key, "write HH:MM:SS.ss")
        hours, minutes, seconds = match.groups()
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)

    def listed(self, key: str, kind: type) -> list[Any]:
        """Return a cell that is a list as Python writes it, read as data."""
        try:
            found = ast.literal_eval(self.fields[key])
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            found = None
        if not isinstance(found, list) or any(type(item) is not kind for item in found):
            what = "whole numbers" if kind is int else "texts"
            raise self.error(f"{self.fields[key]!r:.80} is no list of {what}", key, "write it as [1, 2] or ['a', 'b']")
        return found

    def error(self, what: str, key: str, do: str) -> InputError:
        """Return an error about one cell."""
        return InputError(what, file=self.file, row=self.row, key=key, do=do)


def read_cells(path: Path, columns: Sequence[str]) -> list[Cells]:
    """Return the lines of a CSV file whose first line names `columns`, among others.

    Raises:
        InputError: no such file, no UTF-8, a column is missing, or a line has another number of cells.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = next(reader, [])
            if lacking := [name for name in columns if name not in header]:
                raise InputError(
                    f"columns {', '.join(lacking)} are missing", file=path, row=1, do=f"it has {', '.join(header)}"
                )
            found = []
            for fields in reader:
                if len(fields) != len(header):
                    raise InputError(
                        f"has {len(fields)} cells, the first line names {len(header)}",
                        file=path,
                        row=reader.line_num,
                        do="fetch the file again: it may be cut short",
                    )
                found.append(Cells(path, reader.line_num, dict(zip(header, fields, strict=True))))
            return found
    except FileNotFoundError:
        raise InputError("no such file", file=path, do=fetch(path)) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"no CSV in UTF-8: {error}", file=path, do="fetch the file again") from None
