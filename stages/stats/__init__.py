"""What clips of few subjects can prove: the variance of an aggregate over classes, and intervals that cover."""
