"""Zero-shot recognition: what a model says of a clip, freely or to closed questions. It ends in table PREDICTIONS."""
