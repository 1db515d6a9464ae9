"""What published annotations say, whatever their format: a segment a row, class lists, parts."""

from __future__ import annotations

from typing import NamedTuple


class Segment(NamedTuple):
    """A clip as annotations have it."""

    clip_id: str
    recording: str
    """Name of its video, without suffix."""
    part: str | None
    """train, validation or test; where a set's test labels are not public, its own validation part tests. None where
    the set publishes no parts."""
    label: str
    """Empty where `labels` says them, or where there is an error."""
    narration: str | None
    start: float | None = None
    """Seconds from the recording's first frame; None with `end`: all of it."""
    end: float | None = None
    subject: str | None = None
    verb: str | None = None
    noun: str | None = None
    objects: tuple[str, ...] = ()
    """What fills the label's placeholders."""
    frames: int | None = None
    fps: float | None = None
    camera: str | None = None
    labels: tuple[str, ...] | None = None
    """All labels, sorted, of a set in which a clip may have several or none; None: `label` alone."""
    error: str | None = None
    """Why the clip cannot be used, which its annotation already says."""


class Annotations(NamedTuple):
    """A data set's segments in their files' order, and its lists."""

    segments: list[Segment]
    classes: list[str]
    """Labels, in the set's own order; of compositional labels those that occur, sorted."""
    verbs: list[str]
    nouns: list[str]
    unseen: frozenset[str] | None = None
    """Subjects who are in no train part; None: by counting."""
    tail_verbs: frozenset[str] | None = None
    """Rare classes as published; None: by counting."""
    tail_nouns: frozenset[str] | None = None
    notes: tuple[str, ...] = ()
    """What the audit must say of them."""
