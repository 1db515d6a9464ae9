"""Metric `verb_5`: of a clip with a compositional label, its verb is among the 5 that the answer holds likeliest.

It will not match a verb of the same meaning in another class, nor look at the noun.
"""

from stages.metrics.compositional import metric

METRIC = metric("verb_5", "verb", 5)
