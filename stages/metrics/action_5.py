"""Metric `action_5`: of a clip with a compositional label, its verb and noun together is among the 5 that the answer holds likeliest.

It will not match a clip of which one of the two is right.
"""

from stages.metrics.compositional import metric

METRIC = metric("action_5", "action", 5)
