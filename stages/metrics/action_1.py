"""Metric `action_1`: the verb and noun of a clip with a compositional label are what the answer holds likeliest.

It will not match a clip of which one of the two is right.
"""

from stages.metrics.compositional import metric

METRIC = metric("action_1", "action", 1)
