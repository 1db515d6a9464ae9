"""The reference captions as a method, and the metrics by which they are measured."""

from stages.metrics.registry import METRICS
from stages.metrics.truth import REFERENCES

__all__ = ["AGAINST", "REFERENCES"]

AGAINST = [name for name, metric in METRICS.items() if metric.of_references]
