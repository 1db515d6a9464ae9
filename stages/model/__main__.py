"""What is known of a model before it is asked: `python -m stages.model gpt_4o`.

Of each record under `fetched`, by its file params/models/<model>.yaml; writes data/models/<model>/model.json. A model
that cannot be had fails here, by name, before a clip is shown to any. Weights are fetched by the stage that asks it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stages.base.errors import guard
from stages.base.params import read
from stages.base.progress import closing
from stages.base.tables import write_json
from stages.model.known import known
from stages.model.params import PARAMS


def main() -> None:
    """Find one model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a file of params/models")
    name = parser.parse_args().model
    found = known(name, read(PARAMS, model=name)["vlm.{model}"])
    write_json(Path("data/models") / name / "model.json", found)
    closing(f"model {name}", f"{found['name']} at {found['revision']}")


if __name__ == "__main__":
    guard(main)
