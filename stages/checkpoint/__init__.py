"""The state of a training under way, from which a killed run goes on."""
