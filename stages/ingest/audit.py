"""The audit of splits: what a reader must know before believing a number. One finding, one entry of `audit.json`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from stages.ingest.manifest_rows import LABELS_BREAK_RULES, NO_ANNOTATIONS, NOT_IN_GRAMMAR, TAKEN, UNKNOWN_LABEL, Row
from stages.ingest.protocols import Part

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


def audit_protocol(
    name: str, rule: str, apart: Sequence[str], parts: Sequence[Part], usable: Mapping[str, Row]
) -> list[Finding]:
    """Return what is wrong with a protocol's parts.

    Args:
        name: the protocol.
        rule: its rule in one line, which findings quote.
        apart: the columns that it promises to keep on one side: one that is on both is a leak, any other a note.
        parts: of usable clips.
        usable: every usable clip's row.
    """
    folds: dict[str, dict[str, str]] = defaultdict(dict)
    for part in parts:
        folds[part.fold][part.clip_id] = part.part
    found = [
        *_both_sides(name, rule, apart, folds, usable),
        *_classes(name, folds, usable),
    ]
    held = {part.part for part in parts}
    for missing in [part for part in ("train", "test") if part not in held]:
        severity: Severity = "warning" if apart else "note"
        found.append(finding(name, f"no_{missing}_part", severity, f"no clip is in the {missing} part. {rule}", []))
    in_none = usable.keys() - {part.clip_id for part in parts}
    if in_none:
        rows = [usable[clip_id] for clip_id in in_none]
        found.append(finding(name, "in_no_part", "note", f"usable clips that the rule leaves out. {rule}", rows))
    return found


def _both_sides(
    name: str, rule: str, apart: Sequence[str], folds: Mapping[str, Mapping[str, str]], usable: Mapping[str, Row]
) -> list[Finding]:
    found = []
    for column in ("subject", "camera", "group", "md5"):
        tested: list[Row] = []
        validated: list[Row] = []
        for fold in folds.values():
            parts_of = defaultdict(set)
            for clip_id, part in fold.items():
                parts_of[getattr(usable[clip_id], column)].add(part)
            parts_of.pop(None, None)
            for clip_id, part in fold.items():
                there = parts_of.get(getattr(usable[clip_id], column), set())
                if part == "test" and len(there) > 1:
                    tested.append(usable[clip_id])
                elif part == "validation" and "train" in there:
                    validated.append(usable[clip_id])
        thing = {"group": "recording or sequence", "md5": "file content"}.get(column, column)
        kept = column in apart or (column == "md5" and apart)
        if tested:
            values = len({getattr(row, column) for row in tested})
            promise = "" if kept else f", which this protocol does not keep apart. {rule}"
            text = f"test clips whose {thing} is in another part too ({values} of them){promise}"
            found.append(finding(name, f"{column}_on_both_sides", "leak" if kept else "note", text, tested))
        if validated and kept:
            text = f"validation clips whose {thing} is in the train part too"
            found.append(finding(name, f"{column}_in_train_and_validation", "warning", text, validated))
    return found


def _classes(name: str, folds: Mapping[str, Mapping[str, str]], usable: Mapping[str, Row]) -> list[Finding]:
    everywhere: dict[str, set[str]] = defaultdict(set)
    untrained: list[Row] = []
    for fold in folds.values():
        here: dict[str, set[str]] = defaultdict(set)
        for clip_id, part in fold.items():
            for label in usable[clip_id].labels:
                here[label].add(part)
        for label, parts in here.items():
            everywhere[label] |= parts
        without = {label for label, parts in here.items() if "train" not in parts}
        if "train" in fold.values():
            tested = (usable[clip_id] for clip_id, part in fold.items() if part == "test")
            untrained += [row for row in tested if without.intersection(row.labels)]
    found = []
    if untrained:
        text = "test clips of classes that the train part does not have"
        found.append(finding(name, "class_without_train_clips", "warning", text, untrained))
    lacking: dict[str, Severity] = {"test": "warning", "validation": "note"}
    if not any("validation" in parts for parts in everywhere.values()):
        del lacking["validation"]
    for part, severity in lacking.items():
        without = {label for label, parts in everywhere.items() if part not in parts}
        clips = {clip_id for fold in folds.values() for clip_id in fold if without.intersection(usable[clip_id].labels)}
        if clips:
            text = f"clips of classes that the {part} part does not have"
            found.append(finding(name, f"class_without_{part}_clips", severity, text, (usable[clip] for clip in clips)))
    return found
