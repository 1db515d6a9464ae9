from tests.score.small import small
from tests.score.table import table

__all__ = ["small", "table"]
