"""Finished samples, outside the outputs: kept as they come, filled again from pulled outputs, pruned."""
