"""Who does what to whom: `python -m stages.interact interactions ov_hhir speaker pose embedded interact given ...`.

Trains by the recipe params/recipes/<recipe>.yaml on the train part of a protocol (OV-HHIR, Ray et al.): Q-Formers on
frozen features of two people's streams and of the background, before the frozen language model params/models/<model>;
<pose> is the ViTPose, <vision> what sees the background: a ViT, or a VLM's own tower. The last argument is a folder
that `streams` wrote, or data/none for whole frames. Asks the test clips both turns and writes
data/<dataset>/predictions/<method>.parquet, data/<dataset>/models/<method> and data/<dataset>/curves/<method>. A killed
run goes on where it stopped.
"""

from __future__ import annotations

import argparse

from stages.base.errors import guard
from stages.base.params import read
from stages.base.paths import given
from stages.base.progress import closing
from stages.exact.reproducible import hold_arithmetic, keep_freed_memory
from stages.interact.params import PARAMS
from stages.learn.launch import relaunch, speaks


def main() -> None:
    """Train and ask one method on one data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a file of params/datasets")
    parser.add_argument("method", help="what is trained is called so")
    parser.add_argument("model", help="a file of params/models: the language model")
    parser.add_argument("pose", help="a file of params/models: the pose model, or none")
    parser.add_argument("vision", help="a file of params/models: what sees the background, or none")
    parser.add_argument("recipe", help="a file of params/recipes")
    parser.add_argument("protocol", help="a protocol of the data set")
    parser.add_argument("streams", help="a folder of streams, or data/none")
    cell = parser.parse_args()
    names = {name: getattr(cell, name) for name in ("recipe", "model", "pose", "vision")}
    way, vlm, pose, vision = (read(PARAMS, **names)[key] for key in PARAMS)
    relaunch("stages.interact", *vars(cell).values())
    hold_arithmetic()
    keep_freed_memory()
    from stages.interact.cell import Cell, Frozen  # torch must not be imported before its arithmetic is held
    from stages.interact.make import make

    did = make(
        Cell(cell.dataset, cell.method, cell.recipe, cell.protocol, given(cell.streams)),
        way,
        Frozen(way, vlm, pose, vision),
    )
    if speaks():
        closing(f"interact {cell.dataset} {cell.method}", did.words, did.cached, did.failed)


if __name__ == "__main__":
    guard(main)
