"""Interactions of two people: their streams as tokens of a frozen language model, which says who does what to whom."""
