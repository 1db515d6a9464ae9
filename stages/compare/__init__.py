"""Methods side by side: tables, paired differences, null models, sweep and validity of the metrics."""
