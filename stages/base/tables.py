"""Read and write the tables of `schema.py`: checked, sorted, atomic, the same rows giving the same bytes."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from stages.base.errors import InputError
from stages.base.schema import keys_of, optional_of

#: Rows of a row group, and rows that are Python objects at once.
_GROUP = 64 * 1024
_AT_ONCE = 4096


def write_table(path: Path, rows: Iterable[Mapping[str, Any]] | pl.DataFrame, schema: pa.Schema) -> None:
    """Write rows as Parquet under `schema`, sorted by the schema's keys.

    Raises:
        ValueError: two rows have the same keys, a column is unknown or a value does not fit (a bug of the caller).
    """
    keys = keys_of(schema)
    frame = (rows if isinstance(rows, pl.DataFrame) else table_of(path, rows, schema)).sort(keys)
    written = _written(frame, schema)
    frame = frame.select(written.names)
    _check_distinct(path, frame, keys)
    _write(path, [frame], written)


def write_pieces(path: Path, pieces: Iterable[pl.DataFrame], schema: pa.Schema) -> None:
    """Write rows as `write_table` does, the same bytes, with one of `pieces` in memory at a time.

    The pieces come in the order of the schema's keys, the rows within one in any; the schema has no optional columns.

    Raises:
        ValueError: two rows have the same keys, or a piece begins before the last one ends (a bug of the caller).
    """
    _write(path, _in_order(path, pieces, schema), schema)


def _in_order(path: Path, pieces: Iterable[pl.DataFrame], schema: pa.Schema) -> Iterator[pl.DataFrame]:
    keys, last = keys_of(schema), None
    for piece in pieces:
        frame = piece.sort(keys).select(schema.names)
        _check_distinct(path, frame, keys)
        if len(frame):
            first = frame.select(keys).row(0)
            if last is not None and first <= last:
                raise ValueError(f"{path}: row {first} comes after {last}")
            last = frame.select(keys).row(-1)
        yield frame


def _check_distinct(path: Path, frame: pl.DataFrame, keys: list[str]) -> None:
    if frame.select(pl.all_horizontal(pl.col(key) == pl.col(key).shift() for key in keys).any()).item():
        raise ValueError(f"{path}: two rows share the keys {keys}")


def _write(path: Path, frames: Iterable[pl.DataFrame], written: pa.Schema) -> None:
    """Write sorted frames that follow one another; where one ends leaves no trace in the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _replacing(path) as part, pq.ParquetWriter(part, written, compression="zstd", write_page_checksum=True) as out:
        for group in _groups(frames, _polars(pa.Table.from_batches([], written))):
            out.write_table(group.to_arrow().cast(written).combine_chunks())


def _groups(frames: Iterable[pl.DataFrame], none: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows of frames in groups of `_GROUP`, the last one smaller; `none` where there is no row."""
    left: pl.DataFrame | None = None
    yielded = False
    for frame in frames:
        rows = frame if left is None else pl.concat([left, frame])
        whole = len(rows) // _GROUP * _GROUP
        for start in range(0, whole, _GROUP):
            yield rows.slice(start, _GROUP)
            yielded = True
        left = rows.slice(whole) if whole < len(rows) else None
    if left is not None or not yielded:
        yield none if left is None else left


def write_sorted(path: Path, groups: Iterable[Iterable[Mapping[str, Any]]], schema: pa.Schema) -> int:
    """Write rows as `write_table` does, a row group for each of `groups`, of which one is in memory at a time.

    The groups come in the order of the schema's keys. Returns the number of rows.

    Raises:
        ValueError: a column is unknown, a value does not fit, or the rows are not in order (a bug of the caller).
    """
    keys, count, last = keys_of(schema), 0, None
    path.parent.mkdir(parents=True, exist_ok=True)
    with _replacing(path) as part, pq.ParquetWriter(part, schema, compression="zstd", write_page_checksum=True) as out:
        for rows in groups:
            frame = table_of(path, rows, schema).sort(keys)
            for found in frame.select(keys).iter_rows():
                if last is not None and found <= last:
                    raise ValueError(f"{path}: row {found} comes after {last}")
                last = found
            out.write_table(frame.to_arrow().cast(schema).combine_chunks())
            count += len(frame)
        if last is None:
            out.write_table(pa.Table.from_batches([], schema))
    return count


def _written(frame: pl.DataFrame, schema: pa.Schema) -> pa.Schema:
    """Return the schema without the optional columns, where none of them has a value."""
    optional = optional_of(schema)
    if any(name in frame.columns and frame[name].null_count() < len(frame) for name in optional):
        return schema
    return _plain(schema)


def _plain(schema: pa.Schema) -> pa.Schema:
    optional = optional_of(schema)
    fields = [schema.field(name) for name in schema.names if name not in optional]
    return pa.schema(fields, schema.metadata) if optional else schema


def table_of(path: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pl.DataFrame:
    """Return rows of the table that `path` will be, as a frame with all of the schema's columns, in their order.

    As Python objects, of which each is many times its bytes, only some are held at once.

    Raises:
        ValueError: a column is unknown or a value does not fit (a bug of the caller).
    """
    parts = [_polars(pa.Table.from_batches([], schema))]
    left = iter(rows)
    while listed := list(islice(left, _AT_ONCE)):
        unknown = {name for row in listed for name in row} - set(schema.names)
        if unknown:
            raise ValueError(f"{path}: columns {sorted(unknown)} are not in the schema")
        parts.append(pl.DataFrame([_column(path, name, listed, kind) for name, kind in parts[0].schema.items()]))
    return pl.concat(parts)


def _column(path: Path, name: str, rows: list[Mapping[str, Any]], kind: pl.DataType) -> pl.Series:
    # By polars: pyarrow imports pandas to make an array of Python objects, which takes as long as a small stage's work.
    try:
        return pl.Series(name, [row.get(name) for row in rows], dtype=kind, strict=True).cast(kind)
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise ValueError(f"{path}: column {name}: {error}") from error


def _polars(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def read_table(
    path: Path, schema: pa.Schema, kept: Callable[[pl.DataFrame], pl.DataFrame] | None = None
) -> pl.DataFrame:
    """Return the table at `path` as a polars frame: what `kept` leaves of each of its pieces, one read at a time.

    Raises:
        InputError: there is no such file, it is no Parquet, or its columns are not those of `schema`.
    """
    if kept is None:
        return pl.concat(_read(path, schema))
    # A row that is kept holds the texts of its whole piece in memory, until they are written together again.
    return pl.concat(kept(piece).with_columns(pl.col(pl.String) + "") for piece in _read(path, schema))


def _read(path: Path, schema: pa.Schema) -> Iterator[pl.DataFrame]:
    """Yield a table's row groups; of one without any an empty one."""
    try:
        # Not `read_table`, whose data sets of many files import pandas.
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            # Pages have checksums and the footer has none: what it says twice must be the same, and texts be texts.
            groups = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
            if file.metadata.num_rows != sum(groups):
                raise pa.ArrowInvalid(f"{file.metadata.num_rows} rows, in groups of {groups}")
            for number, rows in enumerate(groups):
                table = file.read_row_group(number)
                if len(table) != rows:
                    raise pa.ArrowInvalid(f"{rows} rows in group {number}, and {len(table)} are there")
                table.validate(full=True)
                yield _as_declared(path, table, schema)
            if not groups:
                yield _as_declared(path, file.read(), schema)
    except FileNotFoundError:
        raise InputError("no such file", file=path, do="run `dvc repro`, or `dvc pull` to fetch it") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError, MemoryError) as error:
        raise InputError(
            f"not a Parquet file, or a damaged one ({error})",
            file=path,
            do="`python -m stages.cache.verify` removes what is damaged, here and in DVC's cache; then `dvc repro`",
        ) from None


def _as_declared(path: Path, table: pa.Table, schema: pa.Schema) -> pl.DataFrame:
    names, types, plain = table.schema.names, table.schema.types, _plain(schema)
    if (names, types) == (plain.names, plain.types):
        for name in schema.names[len(names) :]:
            table = table.append_column(name, pa.nulls(len(table), schema.field(name).type))
    elif (names, types) != (schema.names, schema.types):
        other = [name for name, one, wanted in zip(names, types, schema.types, strict=False) if one != wanted]
        raise InputError(
            f"columns are {names}, expected {schema.names}"
            if names != schema.names
            else f"columns {', '.join(other)} are of other types than expected",
            file=path,
            do="it was written by another version: run `dvc repro`",
        )
    # Names and types are the schema's own: what else a file says of its columns is not looked at.
    return _polars(pa.Table.from_arrays(table.columns, schema=schema))


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, indented, floats rounded to 6 digits: a diff shows what moved."""
    write_text(path, json.dumps(rounded(value), indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def read_json(path: Path) -> Any:
    """Return the JSON value in a file.

    Raises:
        InputError: no such file, or no JSON; the message has line and column.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no such file", file=path, do="`dvc pull` or `dvc repro` brings it") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not JSON: {error}", file=path, do="fetch it again: it may be cut short") from None


def rounded(value: Any, digits: int = 6) -> Any:
    """Return `value` with every float in it rounded."""
    if isinstance(value, float):
        return round(value, digits)
    if isinstance(value, Mapping):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item, digits) for item in value]
    return value


class _replacing:
    """A temporary file beside `path` that takes its place on success and vanishes on failure."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Path:
        handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        os.close(handle)
        self.part = Path(name)
        return self.part

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.part.chmod(0o644)
            os.replace(self.part, self.path)
        else:
            self.part.unlink(missing_ok=True)
