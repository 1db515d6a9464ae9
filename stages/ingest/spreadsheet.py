"""A table that somebody exported, as rows of text: its encoding and its separator are found, nothing is guessed.

What cannot be read for certain is refused with the reason and the row: a reader that takes what fits and drops the
rest turns `2,4` seconds with a decimal comma into 2, and the 4 into another column.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from stages.base.errors import InputError
from stages.base.paths import fetch

#: Separators that a header is tried with.
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}

_SAVE = "save it again, as CSV in UTF-8"

#: How a file begins that says its encoding. UTF-32's mark begins as UTF-16's does, so it comes first.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Line(NamedTuple):
    """A row of a table: its line in the file, from 1 for the header, and its fields by column, without outer blanks."""

    row: int
    fields: dict[str, str]


class Spreadsheet(NamedTuple):
    """A table's rows without its header, and what separates its fields."""

    lines: list[Line]
    separator: str


def read_spreadsheet(path: Path, columns: Sequence[str]) -> Spreadsheet:
    """Return a table whose first line names `columns`, in any order and among others.

    UTF-8, or UTF-16 or UTF-32 with a byte-order mark; separated by commas, semicolons or tabs. Empty lines are left
    out.

    Raises:
        InputError: no such file; another encoding; a column is missing or named twice; a row that has another number
            of fields than the header, a quote that is not closed or a line break within quotes.
    """
    text = _text(path)
    heads = {separator: _head(path, text, separator) for separator in SEPARATORS}
    separator = next((one for one, names in heads.items() if set(columns) <= set(names)), None)
    if separator is None:
        lacking = [name for name in columns if not any(name in names for names in heads.values())]
        raise InputError(
            f"columns {', '.join(lacking or columns)} are missing",
            file=path,
            row=1,
            do=f"the first line names the columns: {','.join(columns)}",
        )
    names = heads[separator]
    twice = sorted({name for name in columns if names.count(name) > 1})
    if twice:
        raise InputError("the column is named twice", file=path, row=1, key=twice[0], do="remove one of them")
    lines = []
    for row, fields in list(_rows(path, text, separator))[1:]:
        if not any(fields):
            continue
        if len(fields) != len(names):
            raise InputError(
                f"has {len(fields)} fields, the first line names {len(names)} columns",
                file=path,
                row=row,
                key=names[min(len(fields), len(names) - 1)],
                do=_ragged(fields, names, separator),
            )
        lines.append(Line(row, dict(zip(names, fields, strict=True))))
    return Spreadsheet(lines, separator)


def _head(path: Path, text: str, separator: str) -> list[str]:
    """Return the names of the columns if this is the separator; none where the line is not even a row then."""
    try:
        return next((fields for _, fields in _rows(path, text, separator)), [])
    except InputError:
        return []


def _ragged(fields: Sequence[str], names: Sequence[str], separator: str) -> str:
    if separator == "," and len(fields) > len(names):
        return "numbers with decimal commas stand in quotes, or fields are separated by semicolons; correct the row"
    return f"fields are separated by {SEPARATORS[separator]}, as in the first line; correct the row"


def _text(path: Path) -> str:
    if not path.is_file():
        raise InputError("no such file", file=path, do=fetch(path))
    content = path.read_bytes()
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"is not {encoding.removesuffix('-sig').upper()}: {error.reason}", file=path, row=row, do=_SAVE
        ) from None
    if "\0" in text:
        raise InputError(
            "holds zero bytes: UTF-16 without its mark, or no text at all",
            file=path,
            row=text[: text.index("\0")].count("\n") + 1,
            do=_SAVE,
        )
    return text


def _rows(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the fields of each row. Strict, for else an open quote swallows the rows below it."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        row = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(
                f"no table: {error}", file=path, row=row, do="see whether a quote is missing, or one too many; " + _SAVE
            ) from None
        if any("\n" in field or "\r" in field for field in fields):
            raise InputError(
                "a line break stands within quotes: a quote may be missing",
                file=path,
                row=row,
                do="close the quote, or write the field in one line",
            )
        yield row, [field.strip() for field in fields]
