"""A stage over a `Guesser`, to be killed: `python -m tests.run_guessing caption '{"skill": 0.5}' home guess`."""

from __future__ import annotations

import json
import sys

from stages.base.errors import guard
from tests.small_run import guessing

if __name__ == "__main__":
    name, arguments, *rest = sys.argv[1:]
    guard(lambda: guessing(name, rest, **json.loads(arguments)))
