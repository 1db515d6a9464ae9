"""What teachers say, as tables that students learn from: of language models, video models, or from elsewhere."""
