"""What a clip can be called: classes and the rules between them."""
