"""Metric `noun_1`: of a clip with a compositional label, its noun is what the answer holds likeliest.

It will not match a noun of the same meaning in another class, nor look at the verb.
"""

from stages.metrics.compositional import metric

METRIC = metric("noun_1", "noun", 1)
