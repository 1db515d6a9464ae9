"""Stage: people found and followed through clips; which two of them interact."""
