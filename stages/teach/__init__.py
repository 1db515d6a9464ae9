"""Teachers of video models: a language model on the clips' narrations, or another video model."""
