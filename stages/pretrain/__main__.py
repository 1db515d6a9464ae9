"""The embedded VLM, the pose model or the language model of a recipe, trained from random weights on rendered clips.

    python -m stages.pretrain embedded embedded pretrain pretrain_table

Reads data/<scene>/clips and truth.parquet of the scenes; writes data/models/<model>: weights, processor and model card,
as `save_pretrained` does, so that it loads by path as any model does by name. A killed run goes on from its last
checkpoint, half a minute earlier, and ends in the same bytes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stages.base.errors import guard
from stages.base.params import compute, read
from stages.base.progress import closing
from stages.exact.reproducible import hold_arithmetic, keep_freed_memory
from stages.pretrain.params import PARAMS, PoseParams, PoseRecipe, PretrainParams, SpeakerRecipe


def main() -> None:
    """Train the model that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="its name, a folder of data/models")
    parser.add_argument("recipe", help="a file of params/recipes")
    parser.add_argument("scene", help="rendered clips that it learns from")
    parser.add_argument("tables", help="rendered recordings of a table that it learns from too")
    cell = parser.parse_args()
    recipe = read(PARAMS, recipe=cell.recipe)["recipes.{recipe}"]
    hold_arithmetic()
    keep_freed_memory()
    from stages.pretrain import make, pose, speaker  # torch must not be imported before its arithmetic is held

    folder, every = Path("data/models") / cell.model, compute().checkpoint_seconds
    made: make.Result | pose.Posed | speaker.Spoken
    if isinstance(recipe, PoseRecipe):
        made = pose.make(PoseParams(**dict(recipe), scene=cell.scene), Path("data"), folder, every)
    elif isinstance(recipe, SpeakerRecipe):
        made = speaker.make(recipe, folder, every)
    else:
        params = PretrainParams(**dict(recipe), scene=cell.scene, tables=cell.tables)
        made = make.make(params, Path("data"), folder, every)
    closing(f"pretrain {cell.model}", f"{made.weights:,} weights in {folder}; {made.words}", made.cached)


if __name__ == "__main__":
    guard(main)
