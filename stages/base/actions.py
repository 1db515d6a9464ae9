"""Compositional labels: an action is a verb done to a noun, and its label names both."""

from __future__ import annotations


def action(verb: str, noun: str) -> str:
    """Return the label of a pair, as manifests and predictions have it."""
    return f"{verb} {noun}"
