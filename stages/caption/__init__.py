"""Reference captions: a model writes them from keyframes, label and keywords; a keyword of the class is in each."""
