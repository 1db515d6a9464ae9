"""The embedded VLM: a small instance of a stock architecture, trained from random weights on rendered clips."""
