"""What DVC keeps: its lock, its cache, and which outputs are of a licensed data set."""
