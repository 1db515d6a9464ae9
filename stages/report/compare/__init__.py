"""What changed between two commits, for a reviewer: numbers, stages and their causes, clips."""
