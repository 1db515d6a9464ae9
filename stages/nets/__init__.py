"""Video models by name: built small from random weights, or loaded from a checkpoint, and saved so that they load."""
