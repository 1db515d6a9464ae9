"""Any recordings that are annotated by time: a folder a subject, or none where subjects are not told apart."""

from __future__ import annotations

from stages.ingest.adapters import Named

GRAMMAR = "{subject}/{recording}.mp4, or {recording}.mp4"


def parse(name: str) -> Named:
    """Return what a name says; a group is a recording, a subject the folder that it lies in."""
    subject, _, _ = name.rpartition("/")
    return Named(name, (), subject or None, None, name)
