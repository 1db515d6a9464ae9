"""Video models that learn from a teacher's distributions and embeddings as well as from labels."""
