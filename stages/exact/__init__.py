"""Arithmetic that gives the same bytes wherever and beside whatever it runs."""
