"""What a trained model makes of clips from which the activity was taken out: near chance, if all is honest."""
