"""Adapting a VLM: a linear head on its visual tokens, with and without LoRA, and LoRA on its captions."""
