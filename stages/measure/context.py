"""What the stage hands to each metric; see `stages.metrics.context`."""

from stages.metrics.context import Context, Row

__all__ = ["Context", "Row"]
