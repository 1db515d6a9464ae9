"""Interactions of two people in one vocabulary: how data sets call them, and sentences that tell them."""
