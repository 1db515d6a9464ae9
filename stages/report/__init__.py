"""The report room: one self-contained page of a run, and what changed between two commits (`report.compare`)."""
