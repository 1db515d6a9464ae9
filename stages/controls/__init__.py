"""What trained models say of clips from which the activity was taken out: near chance, if the benchmark is honest."""
