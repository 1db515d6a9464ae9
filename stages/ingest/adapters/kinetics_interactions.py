"""Kinetics (Kay et al., 2017), the part of it in which two people interact: labels in CSV lists."""

from __future__ import annotations

from stages.annotated.kinetics_interactions import read as annotated
from stages.ingest.adapters import Named

GRAMMAR = "{YouTube id}_{start}_{end}, such as -0IErS_cisg_000017_000027"


def parse(name: str) -> Named:
    """Return what a video's name says."""
    return Named(name.rpartition("/")[2], ())


__all__ = ["GRAMMAR", "annotated", "parse"]
