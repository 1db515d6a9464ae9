"""Renders the embedded benchmark: labelled clips with no licence to ask for, and the truth about every frame."""
