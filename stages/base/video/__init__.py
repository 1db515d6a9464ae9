"""Library: the only room that decodes video (PyAV), and what every room does with frames once they are decoded."""
