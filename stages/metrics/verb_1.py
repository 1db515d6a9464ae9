"""Metric `verb_1`: of a clip with a compositional label, its verb is what the answer holds likeliest.

It will not match a verb of the same meaning in another class, nor look at the noun.
"""

from stages.metrics.compositional import metric

METRIC = metric("verb_1", "verb", 1)
