"""Thresholds, aggregates and intervals of one method: all that is cheap and may change often."""
