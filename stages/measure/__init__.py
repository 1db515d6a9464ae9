"""Measure answers: one file a metric, a value a clip, no threshold. What is dear is done here."""
