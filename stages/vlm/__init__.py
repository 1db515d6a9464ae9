"""VLM back ends behind one small interface (`base.py`): local (transformers), api (OpenAI-compatible), recorded."""
