"""Frozen encoders of images, stock transformers models by hub name or path: ViTPose of people, a ViT of frames."""
