"""Null models: what a metric gives to answers that cannot know the clip. Defined here, once, for every run."""
