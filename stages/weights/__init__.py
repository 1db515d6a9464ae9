"""Weights as files: how they travel, and that they are what was recorded of them."""
