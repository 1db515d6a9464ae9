"""A supervised video model, trained and asked: `python -m stages.train home r2plus1d_cs r2plus1d cs`.

Trains by the recipe params/recipes/<recipe>.yaml on the train part of a protocol (a model a fold where the protocol
leaves one out) and predicts its test clips, and nothing else. Writes
data/<dataset>/predictions/<method>.parquet, data/<dataset>/models/<method> and data/<dataset>/curves/<method>. A killed
run goes on where it stopped; `HAR_LAUNCH="accelerate launch --num_processes 4"` runs it on several GPUs.
"""

from __future__ import annotations

import argparse

from stages.base.errors import guard
from stages.base.params import read
from stages.base.progress import closing
from stages.exact.reproducible import hold_arithmetic, keep_freed_memory
from stages.learn.launch import relaunch, speaks
from stages.nets.trained import TrainParams
from stages.train.params import PARAMS


def main() -> None:
    """Train one method on one data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a file of params/datasets")
    parser.add_argument("method", help="what is trained is called so")
    parser.add_argument("recipe", help="a file of params/recipes")
    parser.add_argument("protocol", help="a protocol of the data set")
    given = parser.parse_args()
    recipe = read(PARAMS, recipe=given.recipe)["recipes.{recipe}"]
    params = TrainParams(**dict(recipe), protocol=given.protocol)
    relaunch("stages.train", *vars(given).values())
    hold_arithmetic()
    keep_freed_memory()
    from stages.nets.learning import make  # torch must not be imported before its arithmetic is held

    did = make(given.dataset, given.method, params)
    if speaks():
        closing(f"train {given.dataset} {given.method}", did.words, did.cached)


if __name__ == "__main__":
    guard(main)
