"""What is left to recognise where the activity is taken out of clips: near chance, if the benchmark is honest."""
