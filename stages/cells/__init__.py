"""Cells of DVC's graph next to each other, each in a DVC process of its own; no result depends on it."""
