"""Luck, measured: what each learning row, and all that follows from the base model, get from other seeds."""
