"""The only room that looks into sentences: keyword rules and sentence embeddings."""
