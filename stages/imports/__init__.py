"""What is done as libraries are imported, before all else."""
