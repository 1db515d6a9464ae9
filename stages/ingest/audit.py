"""The audit of splits: what a reader must know before believing a number. One finding, one entry of `audit.json`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from stages.ingest.manifest_rows import LABELS_BREAK_RULES, NO_ANNOTATIONS, NOT_IN_GRAMMAR, TAKEN, UNKNOWN_LABEL, Row
from stages.ingest.parts import PARTS, TEST, TRAIN, VALIDATION, Mask, Parts, coded

#: error: stops the stage. leak: stops it unless accepted. warning: look at it. note: so that it is known.
Severity = Literal["error", "leak", "warning", "note"]
_ORDER: dict[Severity, int] = {"error": 0, "leak": 1, "warning": 2, "note": 3}

#: Examples that an entry shows.
EXAMPLES = 20


class Finding(NamedTuple):
    """One finding."""

    protocol: str
    """`all` where it concerns every protocol."""
    kind: str
    severity: Severity
    text: str
    clips: int
    classes: list[str]
    subjects: dict[str, int]
    """Clips of each subject concerned."""
    cameras: dict[str, int]
    """Clips of each camera concerned."""
    examples: list[str]
    accepted: bool = False
    """A leak that params say to go on with."""


def finding(protocol: str, kind: str, severity: Severity, text: str, rows: Iterable[Row]) -> Finding:
    """Return a finding about rows, each counted once."""
    distinct = sorted(set(rows))
    return Finding(
        protocol,
        kind,
        severity,
        text,
        len(distinct),
        sorted({label for row in distinct for label in row.labels}),
        _counted(row.subject for row in distinct),
        _counted(row.camera for row in distinct),
        [row.clip_id for row in distinct[:EXAMPLES]],
    )


def _counted(values: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(value for value in values if value is not None).items()))


def ordered(findings: Iterable[Finding], accept: Iterable[str]) -> list[Finding]:
    """Return findings, the gravest first, with the leaks of the protocols in `accept` marked as accepted."""
    accepted = set(accept)
    marked = [item._replace(accepted=item.severity == "leak" and item.protocol in accepted) for item in findings]
    return sorted(marked, key=lambda item: (_ORDER[item.severity], item.protocol, item.kind))


def audit_rows(rows: Sequence[Row], others: Sequence[str]) -> list[Finding]:
    """Return what is wrong with the clips themselves, whatever the protocol."""
    kinds: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.error is not None:
            kinds[_kind_of(row.error)].append(row)
    texts = {
        "unparsed_name": "names that are not in the data set's grammar: no label, in no part",
        "duplicate_name": "names of a clip that another entry names already: in no part",
        "unknown_label": "labels that are not in the data set's class list: in no part",
        "no_annotations": "recordings of which the annotations say nothing: cut into no windows, in no part",
        "labels_break_rules": "clips whose labels contradict each other by the data set's rules: in no part",
        "broken_clip": "files that cannot be read or decoded: in no part",
    }
    found = [finding("all", kind, "warning", text, kinds[kind]) for kind, text in texts.items() if kinds[kind]]
    by_md5 = defaultdict(list)
    for row in rows:
        if row.error is None and row.md5 is not None:
            by_md5[row.md5].append(row)
    if same := [row for group in by_md5.values() if len(group) > 1 for row in group]:
        found.append(finding("all", "duplicate_content", "warning", "clips whose files hold the same bytes", same))
    if others:
        text = f"{len(others)} files beside the clips are no videos and were left alone"
        found.append(Finding("all", "other_files", "note", text, 0, [], {}, {}, sorted(others)[:EXAMPLES]))
    return found


def _kind_of(error: str) -> str:
    known = {
        NOT_IN_GRAMMAR: "unparsed_name",
        TAKEN: "duplicate_name",
        UNKNOWN_LABEL: "unknown_label",
        NO_ANNOTATIONS: "no_annotations",
        LABELS_BREAK_RULES: "labels_break_rules",
    }
    return next((kind for start, kind in known.items() if error.startswith(start)), "broken_clip")


def audit_protocol(name: str, rule: str, apart: Sequence[str], parts: Parts) -> list[Finding]:
    """Return what is wrong with a protocol's parts.

    Args:
        name: the protocol.
        rule: its rule in one line, which findings quote.
        apart: the columns that it promises to keep on one side: one that is on both is a leak, any other a note.
        parts: of usable clips.
    """
    rows = parts.usable.rows
    held, somewhere = np.zeros(len(PARTS), np.bool_), np.zeros(len(rows), np.bool_)
    for fold in parts.folds():
        held[fold.part], somewhere[fold.clip] = True, True
    found = [*_both_sides(name, rule, apart, parts), *_classes(name, parts, somewhere)]
    for missing in [part for part in ("train", "test") if not held[PARTS.index(part)]]:
        severity: Severity = "warning" if apart else "note"
        found.append(finding(name, f"no_{missing}_part", severity, f"no clip is in the {missing} part. {rule}", []))
    if not somewhere.all():
        text = f"usable clips that the rule leaves out. {rule}"
        found.append(finding(name, "in_no_part", "note", text, _rows(parts, ~somewhere)))
    return found


def _rows(parts: Parts, which: Mask) -> Iterator[Row]:
    return (parts.usable.rows[place] for place in np.flatnonzero(which).tolist())


def _both_sides(name: str, rule: str, apart: Sequence[str], parts: Parts) -> list[Finding]:
    found = []
    for column in ("subject", "camera", "group", "md5"):
        codes = parts.usable.codes(column)
        tested, validated = (np.zeros(len(codes.of), np.bool_) for _ in range(2))
        for fold in parts.folds():
            value = codes.of[fold.clip]
            there = np.zeros((codes.different + 1, len(PARTS)), np.bool_)
            there[value, fold.part] = True
            there[-1] = False  # of the clips without a value
            tested[fold.clip[(fold.part == TEST) & (there.sum(1) > 1)[value]]] = True
            validated[fold.clip[(fold.part == VALIDATION) & there[value, TRAIN]]] = True
        thing = {"group": "recording or sequence", "md5": "file content"}.get(column, column)
        kept = column in apart or (column == "md5" and apart)
        if tested.any():
            values = len(np.unique(codes.of[tested]))
            promise = "" if kept else f", which this protocol does not keep apart. {rule}"
            text = f"test clips whose {thing} is in another part too ({values} of them){promise}"
            severity: Severity = "leak" if kept else "note"
            found.append(finding(name, f"{column}_on_both_sides", severity, text, _rows(parts, tested)))
        if validated.any() and kept:
            text = f"validation clips whose {thing} is in the train part too"
            rows = _rows(parts, validated)
            found.append(finding(name, f"{column}_in_train_and_validation", "warning", text, rows))
    return found


def _classes(name: str, parts: Parts, somewhere: Mask) -> list[Finding]:
    usable = parts.usable
    # A pair for each label of each clip.
    clip = np.repeat(np.arange(len(usable)), [len(row.labels) for row in usable.rows])
    labels = coded([label for row in usable.rows for label in row.labels])
    everywhere = np.zeros((labels.different, len(PARTS)), np.bool_)
    untrained = np.zeros(len(usable), np.bool_)
    for fold in parts.folds():
        part_of = np.full(len(usable), -1)
        part_of[fold.clip] = fold.part
        part = part_of[clip]
        here = np.zeros((labels.different, len(PARTS)), np.bool_)
        here[labels.of[part >= 0], part[part >= 0]] = True
        everywhere |= here
        if (fold.part == TRAIN).any():
            untrained[clip[(part == TEST) & ~here[labels.of, TRAIN]]] = True
    found = []
    if untrained.any():
        text = "test clips of classes that the train part does not have"
        found.append(finding(name, "class_without_train_clips", "warning", text, _rows(parts, untrained)))
    lacking: dict[str, Severity] = {"test": "warning", "validation": "note"}
    if not everywhere[:, VALIDATION].any():
        del lacking["validation"]
    for which, severity in lacking.items():
        without = everywhere.any(1) & ~everywhere[:, PARTS.index(which)]
        of_such = np.zeros(len(usable), np.bool_)
        of_such[clip[without[labels.of]]] = True
        if (of_such & somewhere).any():
            text = f"clips of classes that the {which} part does not have"
            rows = _rows(parts, of_such & somewhere)
            found.append(finding(name, f"class_without_{which}_clips", severity, text, rows))
    return found
