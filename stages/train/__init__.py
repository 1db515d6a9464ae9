"""Supervised video models: trained on a protocol's train part, predicting its test part: `nets/learning.py`."""
