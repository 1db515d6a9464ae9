"""What was learnt, carried in git: a DVC remote `shipped/` with the outputs of the cells that learn."""
