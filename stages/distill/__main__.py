"""A student of language, trained and asked: `python -m stages.distill kitchen swin3d_kd_regular`.

Trains the model of `distill.<dataset>.<method>` on the train part of its protocol, on labels and on what its teachers
say of them (Sun et al. 2024), and predicts its test clips, for which it needs no teacher. The method's name ends in its
protocol. Writes data/<dataset>/predictions/<method>.parquet, data/<dataset>/models/<method> and
data/<dataset>/curves/<method>, with a curve a term of the loss. A killed run goes on where it stopped;
`HAR_LAUNCH="accelerate launch --num_processes 4"` runs it on several GPUs.
"""

from __future__ import annotations

import argparse

from stages.base.errors import guard
from stages.base.params import read
from stages.base.progress import closing
from stages.exact.reproducible import hold_arithmetic, keep_freed_memory
from stages.distill.params import PARAMS, DistillParams
from stages.learn.launch import relaunch, speaks


def main() -> None:
    """Train one student on one data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a block under `distill` in params.yaml")
    parser.add_argument("method", help="a block under `distill.<dataset>`: <model>_<protocol>")
    given = parser.parse_args()
    params: DistillParams = read(PARAMS, **vars(given))["distill.{dataset}.{method}"]
    relaunch("stages.distill", given.dataset, given.method)
    hold_arithmetic()
    keep_freed_memory()
    from stages.distill.aim import Distilling  # torch must not be imported before its arithmetic is held
    from stages.nets.learning import make

    did = make(given.dataset, given.method, params, Distilling)
    if speaks():
        closing(f"distill {given.dataset} {given.method}", did.words, did.spared)


if __name__ == "__main__":
    guard(main)
