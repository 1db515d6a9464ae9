from tests.score.small import small

__all__ = ["small"]
