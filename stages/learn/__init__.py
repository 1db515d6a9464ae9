"""Learning from labelled clips: data, augmentation, losses, and a loop that a killed run continues exactly."""
