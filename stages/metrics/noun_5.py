"""Metric `noun_5`: of a clip with a compositional label, its noun is among the 5 that the answer holds likeliest.

It will not match a noun of the same meaning in another class, nor look at the verb.
"""

from stages.metrics.compositional import metric

METRIC = metric("noun_5", "noun", 5)
