"""What a journal's key says of the number format that a model computes in."""


def computed_in(dtype: str) -> str:
    """Return the part of a key: float64 is so throughout since `double` holds it there, and was rounded before."""
    return "float64 throughout" if dtype == "float64" else dtype
