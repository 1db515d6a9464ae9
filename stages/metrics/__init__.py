"""Metrics, a file each: what one is called, what it reads, how it is measured and what it will not match."""
