"""Findings about lists: a published list against the protocol it is said to follow, official lists against ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from stages.ingest.adapters import Named
from stages.ingest.audit import EXAMPLES, Finding, Severity, finding
from stages.ingest.lists import Listed
from stages.ingest.manifest_rows import Row
from stages.ingest.protocols import Part


def audit_published(
    name: str, of: str, test: Listed, parts: Iterable[Part], rows: Mapping[str, Row], classes: Collection[str]
) -> list[Finding]:
    """Return how a published test list differs from the test part of the protocol that it is said to follow.

    Args:
        name: the list's protocol.
        of: the protocol that it follows.
        test: the list.
        parts: those of the protocol `of`.
        rows: every clip's row, by clip id.
        classes: the data set's classes.
    """
    part_of = {part.clip_id: part.part for part in parts}
    listed = [rows[clip_id] for clip_id in test.clips if clip_id in rows]
    found = _unusable(name, test, rows, classes, "error")
    trained = [row for row in listed if part_of.get(row.clip_id) in ("train", "validation")]
    if trained:
        subjects = Counter(row.subject for row in trained if row.subject)
        by_subject = ", ".join(f"{subject} ({clips})" for subject, clips in sorted(subjects.items()))
        text = (
            f"{test.file} tests {len(trained)} clips that {of} trains or validates on, of its {len(listed)}"
            + (f"; by subject: {by_subject}" if by_subject else "")
            + f". Whatever learns on {of}'s train part has seen them"
        )
        found.append(finding(name, "train_clips_in_test_list", "leak", text, trained))
    expected = {clip_id for clip_id, part in part_of.items() if part == "test"}
    if missing := expected - test.clips.keys():
        text = f"test clips of {of} that {test.file} does not list"
        found.append(finding(name, "test_clips_not_in_list", "warning", text, (rows[clip] for clip in missing)))
    if outside := [row for row in listed if row.error is None and row.clip_id not in part_of]:
        text = f"clips of {test.file} that are in no part of {of}"
        found.append(finding(name, "listed_clips_in_no_part", "warning", text, outside))
    if expected == test.clips.keys():
        text = f"{test.file} and the test part of {of} are the same {len(expected)} clips"
        found.append(finding(name, "list_agrees", "note", text, listed))
    return found


def audit_official(
    of: str, lists: Mapping[str, Listed], parts: Iterable[Part], rows: Mapping[str, Row], classes: Collection[str]
) -> list[Finding]:
    """Return how official lists (one for each part) differ from a protocol, clip by clip.

    Where the protocol has no validation part, the official one counts as train.
    """
    part_of = {part.clip_id: part.part for part in parts}
    merged = "validation" not in part_of.values()
    official: dict[str, str] = {}
    found = []
    for part, listed in lists.items():
        found += _unusable(of, listed, rows, classes, "warning")
        if again := [rows[clip_id] for clip_id in listed.clips.keys() & official.keys() & rows.keys()]:
            found.append(finding(of, "official_parts_overlap", "warning", f"{listed.file} repeats other lists", again))
        official |= dict.fromkeys(listed.clips, "train" if merged and part == "validation" else part)
    usable = [row for row in rows.values() if row.error is None]
    agreeing = [row for row in usable if official.get(row.clip_id) == part_of.get(row.clip_id, "no part")]
    moves = Counter((official.get(row.clip_id, "no part"), part_of.get(row.clip_id, "no part")) for row in usable)
    for (theirs, ours), _ in sorted(moves.items()):
        if theirs != ours:
            differing = [
                row
                for row in usable
                if (official.get(row.clip_id, "no part"), part_of.get(row.clip_id, "no part")) == (theirs, ours)
            ]
            text = f"clips that the official lists put in {theirs} and this protocol in {ours}"
            found.append(finding(of, "differs_from_official", "warning", text, differing))
    if agreeing:
        text = f"{len(agreeing)} of {len(usable)} usable clips are in the part that the official lists give them"
        found.append(finding(of, "agrees_with_official", "note", text, agreeing))
    return found


def _unusable(
    name: str, listed: Listed, rows: Mapping[str, Row], classes: Collection[str], unknown_is: Severity
) -> list[Finding]:
    """Return what a list names that is no usable clip, and what it names twice."""
    found = []
    if listed.unparsed:
        text = f"entries of {listed.file} that are not in the data set's grammar"
        found.append(_named(name, "unparsed_entries", unknown_is, text, listed.unparsed, []))
    if unknown := [named for clip_id, named in listed.clips.items() if clip_id not in rows]:
        outside = sorted({label for named in unknown for label in named.labels} - set(classes))
        text = f"{listed.file} names {len(unknown)} clips that the data set does not have"
        if outside:
            text += f"; {', '.join(outside)} is not among its {len(classes)} classes"
        ids = [named.clip_id for named in unknown]
        found.append(_named(name, "unknown_clips", unknown_is, text, ids, unknown))
    if broken := [rows[clip_id] for clip_id in listed.clips if clip_id in rows and rows[clip_id].error]:
        found.append(finding(name, "unusable_clips", "warning", f"clips of {listed.file} that are unusable", broken))
    if listed.twice:
        text = f"clips that {listed.file} names more than once; each counts once"
        found.append(_named(name, "listed_twice", "warning", text, listed.twice, []))
    return found


def _named(name: str, kind: str, severity: Severity, text: str, ids: Sequence[str], known: Sequence[Named]) -> Finding:
    """Return a finding about names that have no row."""
    rows = [Row(named.clip_id, labels=named.labels, subject=named.subject, camera=named.camera) for named in known]
    about = finding(name, kind, severity, text, rows)
    return about._replace(clips=len(ids), examples=sorted(ids)[:EXAMPLES])
