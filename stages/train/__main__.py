"""A supervised video model, trained and asked: `python -m stages.train home swin3d_cs`.

Trains the model of `train.<dataset>.<method>` on the train part of its protocol (a model a fold where the protocol
leaves one out) and predicts its test clips, and nothing else. The method is called `<model>_<protocol>`. Writes
data/<dataset>/predictions/<method>.parquet, data/<dataset>/models/<method> and data/<dataset>/curves/<method>. A killed
run goes on where it stopped; `HAR_LAUNCH="accelerate launch --num_processes 4"` runs it on several GPUs.
"""

from __future__ import annotations

import argparse

from stages.base.errors import guard
from stages.base.params import read
from stages.base.progress import closing
from stages.core.reproducible import hold_arithmetic, keep_freed_memory
from stages.learn.launch import relaunch, speaks
from stages.nets.trained import TrainParams
from stages.train.params import PARAMS


def main() -> None:
    """Train one method on one data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a block under `train` in params.yaml")
    parser.add_argument("method", help="a block under `train.<dataset>`: <model>_<protocol>")
    given = parser.parse_args()
    params: TrainParams = read(PARAMS, **vars(given))["train.{dataset}.{method}"]
    relaunch("stages.train", given.dataset, given.method)
    hold_arithmetic()
    keep_freed_memory()
    from stages.nets.learning import make  # torch must not be imported before its arithmetic is held

    did = make(given.dataset, given.method, params)
    if speaks():
        closing(f"train {given.dataset} {given.method}", did.words, did.spared)


if __name__ == "__main__":
    guard(main)
