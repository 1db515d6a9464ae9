"""A student of language, trained and asked: `python -m stages.distill kitchen kd kitchen_kd given data/kitchen/...`.

Trains by the recipe params/recipes/<recipe>.yaml on the train part of a protocol, on labels and on what a teacher says
of them (Sun et al. 2024), and predicts its test clips, for which it needs no teacher. The last argument is a teacher's
folder, a folder of several of them, or data/none. Writes data/<dataset>/predictions/<method>.parquet,
data/<dataset>/models/<method> and data/<dataset>/curves/<method>, with a curve a term of the loss. A killed run goes on
where it stopped; `HAR_LAUNCH="accelerate launch --num_processes 4"` runs it on several GPUs.
"""

from __future__ import annotations

import argparse

from stages.base.errors import guard
from stages.base.params import read
from stages.base.paths import given
from stages.base.progress import closing
from stages.distill.params import PARAMS, DistillParams
from stages.exact.reproducible import hold_arithmetic, keep_freed_memory
from stages.learn.launch import relaunch, speaks
from stages.teachers.folders import folders


def main() -> None:
    """Train one student on one data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a file of params/datasets")
    parser.add_argument("method", help="what is trained is called so")
    parser.add_argument("recipe", help="a file of params/recipes")
    parser.add_argument("protocol", help="a protocol of the data set")
    parser.add_argument("teacher", help="a teacher's folder, or one of several, or data/none")
    cell = parser.parse_args()
    recipe = read(PARAMS, recipe=cell.recipe)["recipes.{recipe}"]
    params = DistillParams(**dict(recipe), protocol=cell.protocol, teachers=folders(given(cell.teacher)))
    relaunch("stages.distill", *vars(cell).values())
    hold_arithmetic()
    keep_freed_memory()
    from stages.distill.aim import Distilling  # torch must not be imported before its arithmetic is held
    from stages.nets.learning import make

    did = make(cell.dataset, cell.method, params, Distilling)
    if speaks():
        closing(f"distill {cell.dataset} {cell.method}", did.words, did.cached)


if __name__ == "__main__":
    guard(main)
