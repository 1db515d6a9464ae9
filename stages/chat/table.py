"""HHIRChat's JSON to table HHIRCHAT and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stages.base.errors import InputError, some
from stages.base.schema import HHIRCHAT
from stages.base.tables import read_json, read_table, write_json, write_table
from stages.chat.sample import Sample, parsed
from stages.chat.turns import Turn


def read_samples(path: Path, data: Path) -> list[Sample]:
    """Return the samples of a JSON file in their order; one that cannot be used has an error.

    Raises:
        InputError: it is no JSON list, or has no sample that can be used.
    """
    try:
        content = read_json(path)
    except RecursionError:
        raise InputError("no JSON that anybody wrote: it is nested too deep", file=path, do="fetch it again") from None
    if not isinstance(content, list):
        raise InputError("expected a list of samples", file=path, do="see papers/ov_hhir/README.md for the form")
    taken: dict[int, int] = {}
    samples = []
    for row, value in enumerate(content):
        one = parsed(row, value, data, taken)
        if one.id is not None:
            taken.setdefault(one.id, row)
        samples.append(one)
    if all(one.error for one in samples):
        why = f", the first: row 0, {samples[0].error}" if samples else ""
        raise InputError(f"none of {len(samples)} samples can be used{why}", file=path, do="correct them")
    return samples


def report(path: Path, samples: Sequence[Sample]) -> str:
    """Return what is wrong with samples, a line each: file, row, key; empty where nothing is."""
    wrong = [f"{path}, row {one.row}, {one.error}" for one in samples if one.error]
    return f"{len(wrong)} of {len(samples)} samples cannot be used:\n{some(wrong, 20)}" if wrong else ""


def write_samples(path: Path, samples: Sequence[Sample]) -> None:
    """Write table HHIRCHAT."""
    write_table(path, (one.written() for one in samples), HHIRCHAT)


def read_rows(path: Path) -> list[Sample]:
    """Return the samples of table HHIRCHAT.

    Raises:
        InputError: there is no such table.
    """
    found = []
    for row in read_table(path, HHIRCHAT).iter_rows(named=True):
        said = row.pop("conversations")
        turns = None if said is None else [Turn(one["from"], one["value"]) for one in said]
        found.append(Sample(**row, conversations=turns))
    return found


def write_chat(path: Path, samples: Sequence[Sample]) -> int:
    """Write the samples that can be used as the paper's JSON; return how many.

    Raises:
        InputError: there is none.
    """
    usable = [one.shown() for one in samples if one.error is None]
    if not usable:
        raise InputError("no sample can be used", file=path, do="`import` or `make` said why of each")
    write_json(path, usable)
    return len(usable)
