"""One file a scene: where things stand, who is there, from where it is seen."""
