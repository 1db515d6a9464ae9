"""Render a scene of the embedded benchmark: clips, the truth about them, and a contact sheet of the classes.

    python -m stages.simulate home

Reads `simulate.<scene>` of params.yaml; writes data/<scene>/clips/*.mp4, truth.parquet and contact_sheet.png.
There is no journal: 600 clips take about a minute, and DVC empties a stage's outputs before it runs anyway.
"""

from __future__ import annotations

import shutil
import sys

from stages.core.errors import guard
from stages.core.params import compute, read
from stages.core.paths import Run
from stages.core.progress import Progress, closing
from stages.core.tables import write_table
from stages.simulate.make import make
from stages.simulate.params import PARAMS, Scene
from stages.simulate.schema import TRUTH
from stages.simulate.sheet import sheet


def main() -> None:
    """Render the scene named on the command line."""
    name = sys.argv[1]
    run = Run(name)
    scene: Scene = read(PARAMS, scene=name)["simulate.{scene}"]
    part = run.data / "clips.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    rows, shown = [], {}
    with Progress(f"simulate {name}", scene.clips) as progress:
        for row, frames in make(scene, part, compute().processes):
            rows.append(row)
            if frames is not None:
                shown[row["label"]] = frames
            progress.advance()
    shutil.rmtree(run.clips, ignore_errors=True)
    part.rename(run.clips)
    (run.data / "contact_sheet.png").write_bytes(sheet(dict(sorted(shown.items()))))
    write_table(run.data / "truth.parquet", rows, TRUTH)  # last: where it is, all is there
    closing("simulate", f"{len(rows)} clips of {len(scene.activities)} activities")


if __name__ == "__main__":
    guard(main)
