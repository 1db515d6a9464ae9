"""What a sample's result is where its worker died."""


class Crashed(Exception):
    """The process that worked on an item died: a decoder in C, or the kernel out of memory. It is a result."""
