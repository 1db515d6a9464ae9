"""All of a data set's protocols, its published and official lists, and their findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from stages.annotated.base import Annotations
from stages.base.errors import GateError, InputError
from stages.ingest.adapters import Adapter
from stages.ingest.audit import EXAMPLES, Finding, audit_protocol, audit_rows, finding, ordered
from stages.ingest.compare import audit_official, audit_published
from stages.ingest.lists import RULE, Listed, published, read_list
from stages.ingest.manifest_rows import Row
from stages.ingest.params import IngestParams, Phase1
from stages.ingest.parts import Parts, Usable
from stages.ingest.protocols import PROTOCOLS
from stages.ingest.subsets import parts_of, rule

#: Clips that a message names; audit.json has more of them.
_NAMED = 5


class Splits(NamedTuple):
    """The parts by protocol, the findings, gravest first, and the clips that the parts are of."""

    parts: dict[str, Parts]
    findings: list[Finding]
    usable: Usable

    def tables(self) -> Iterator[pl.DataFrame]:
        """Yield the rows of table SPLITS in the order of its keys, those of a protocol's fold at a time."""
        ids = pl.Series(list(self.usable), dtype=pl.String)
        for name in sorted(self.parts):
            yield from self.parts[name].tables(name, ids)


def split(
    rows: Sequence[Row],
    others: Sequence[str],
    params: IngestParams,
    adapter: Adapter,
    findings: Sequence[Finding] = (),
    annotations: Annotations | None = None,
) -> Splits:
    """Return every protocol of `params` over the usable clips, and the audit of all, `findings` included.

    `annotations` is what the data set publishes, for its subsets.

    Raises:
        InputError: a protocol asks of the clips what their names do not tell, or a list cannot be read.
    """
    usable = Usable(row for row in rows if row.error is None)
    classes = adapter.classes or {label for row in usable.rows for label in row.labels}
    findings = [*findings, *audit_rows(rows, others)]
    parts: dict[str, Parts] = {}
    by_id = {row.clip_id: row for row in rows} if params.published or params.official else {}
    for name, options in params.protocols.chosen().items():
        protocol = PROTOCOLS[name]
        parts[name] = Parts(usable, protocol.split(usable.rows, options))
        findings += audit_protocol(name, protocol.rule, protocol.apart, parts[name])
        if isinstance(options, Phase1):
            findings += _few(name, options, parts[name])
    for name, option in params.published.items():
        listed = read_list(Path(option.test), adapter)
        parts[name] = Parts(usable, published(set(usable), parts[option.of], listed))
        findings += audit_published(name, option.of, listed, parts[option.of], by_id, classes)
        findings += audit_protocol(name, RULE.format(of=option.of), PROTOCOLS[option.of].apart, parts[name])
    for name, subset in params.subsets.items():
        if unknown := sorted(set(subset.classes) - classes):
            raise InputError(f"no such class: {', '.join(unknown)}", key=f"subsets.{name}.classes", do="name labels")
        parts[name] = Parts(usable, parts_of(name, subset, parts[subset.of], usable, annotations))
        findings += audit_protocol(name, rule(subset.of, subset), PROTOCOLS[subset.of].apart, parts[name])
    for of, lists in params.official.items():
        read: dict[str, Listed] = {part: read_list(Path(path), adapter) for part, path in lists}
        findings += audit_official(of, read, parts[of], by_id, classes)
    return Splits(parts, ordered(findings, params.accept_leaks), usable)


def gate(findings: Sequence[Finding], dataset: str, audit: Path) -> None:
    """Stop at what makes a split unusable: an error, or a leak that params do not accept.

    Args:
        findings: those of `split`.
        dataset: whose block under `ingest` a user corrects.
        audit: the file that has the findings in full.

    Raises:
        GateError: names each such finding with its list, its first clips and what to do.
    """
    stopping = [item for item in findings if item.severity in ("error", "leak") and not item.accepted]
    if not stopping:
        return
    reasons = "\n".join(f"  {item.protocol}, {item.kind}: {item.text}: {_first(item)}" for item in stopping)
    do = f"correct the clips or lists that these name ({audit} has up to {EXAMPLES} clips of each)"
    if leaks := sorted({item.protocol for item in stopping if item.severity == "leak"}):
        do += f"; to go on with a leak, name its protocol under ingest.{dataset}.accept_leaks: {', '.join(leaks)}"
    raise GateError(f"{len(stopping)} of {len(findings)} findings stop {dataset}:\n{reasons}\n  what to do: {do}")


def _first(item: Finding) -> str:
    more = item.clips - len(item.examples[:_NAMED])
    return ", ".join(item.examples[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _few(name: str, options: Phase1, parts: Parts) -> Iterator[Finding]:
    tested: dict[tuple[str, ...], list[Row]] = {}
    for part in parts:
        if part.part == "test":
            row = parts.usable[part.clip_id]
            tested.setdefault(row.labels, []).append(row)
    few = [row for clips in tested.values() if len(clips) < options.clips for row in clips]
    if few:
        yield finding(name, "few_clips", "warning", f"all clips of classes that have fewer than {options.clips}", few)
