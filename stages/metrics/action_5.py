"""Metric `action_5`: the verb and noun of a clip are among the 5 pairs that the answer holds likeliest.

It will not match a clip of which one of the two is right.
"""

from stages.metrics.compositional import metric

METRIC = metric("action_5", "action", 5)
