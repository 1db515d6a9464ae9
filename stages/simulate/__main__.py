"""Render a scene of the embedded benchmark: clips, and the truth about them.

    python -m stages.simulate home

Reads `simulate.<scene>` of params.yaml; writes data/<scene>/clips/*.mp4 and truth.parquet. Of the
resuscitation table the clips are long recordings, and clips/annotations.csv says what is done in them when; with those
of the kitchen are lists as EPIC-KITCHENS-100 publishes them, clips/EPIC_100_*.csv; with those of two people who do
something with each other clips/interactions.csv says what, in a class and in a sentence.
There is no journal: 600 clips take about a minute, and DVC empties a stage's outputs before it runs anyway.
"""

from __future__ import annotations

import argparse

from stages.base.errors import guard
from stages.base.params import compute, read
from stages.base.paths import Run
from stages.base.progress import Progress, closing
from stages.simulate.make import make
from stages.simulate.make_encounters import make_encounters
from stages.simulate.make_kitchen import make_kitchen
from stages.simulate.make_table import make_table
from stages.simulate.params import PARAMS, Kitchen, Pairs, Scene, Table


def main() -> None:
    """Render the scene named on the command line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("scene", help="a block under `simulate` in params.yaml")
    name: str = arguments.parse_args().scene
    scene: Scene | Table | Kitchen | Pairs = read(PARAMS, scene=name)["simulate.{scene}"]
    run, processes = Run(name), compute().processes
    with Progress(f"simulate {name}", scene.recordings if isinstance(scene, Table) else scene.clips) as progress:
        if isinstance(scene, Scene):
            make(scene, run, processes, progress.advance)
            did = f"{scene.clips} clips of {len(scene.activities)} activities"
        elif isinstance(scene, Kitchen):
            train = make_kitchen(scene, run, processes, progress.advance)
            did = f"{scene.clips} clips of {len(scene.verbs)} verbs and {len(scene.nouns)} nouns, {train} to train,"
        elif isinstance(scene, Pairs):
            train = make_encounters(scene, run, processes, progress.advance)
            named = f"{len(scene.classes)} classes and {len(scene.unseen)} unseen ones"
            did = f"{scene.clips} clips of {named}, {train} to train,"
        else:
            intervals = make_table(scene, run, processes, progress.advance)
            did = f"{scene.recordings} recordings with {intervals} annotations"
    closing(f"simulate {name}", f"{did} in {run.clips}")


if __name__ == "__main__":
    guard(main)
