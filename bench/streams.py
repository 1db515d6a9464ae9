"""People found in real clips: how often, how fast, next to decoding alone, and how much disk their masks take.

    python -m bench.streams [--folder data/ut_interaction/clips] [--model opencv] [--every 4]
    python -m bench.streams --truth data/interactions/truth.parquet --streams data/interactions/streams/opencv

Both people of a labelled frame are found where tracks 1 and 2 have boxes that overlap theirs by half (intersection over
union), each with the one labelled as that person. The labels are 30 frames of UT-Interaction, one a clip, drawn before
anything was found in them. Each clip is looked at for itself: all are of their own size, so that none shares another's
background. The first run gave 25 of 30; then overlays of five of these clips were looked at and
general causes mended, so that later figures are not quite of unseen clips. All else was tuned on the other 30 clips.

With `--truth`, how often a table that the stage wrote has both people of rendered clips, of all frames in which both
are seen, by part and by whether others pass: as labelled, in any order, and among all who were found.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import yaml
from pydantic import TypeAdapter

from stages.base.schema import STREAMS
from stages.base.tables import read_table, write_table
from stages.base.video.decode import iterate, probe
from stages.streams.finder import Clip
from stages.streams.params import FinderParams
from stages.streams.people import overlap
from stages.streams.run import Method, look, unpacked

LABELS = Path(__file__).parents[1] / "tests/streams/ut_boxes.csv"
#: Clips of Toyota Smarthome, each taken as 2 s, 640 x 480, 20 frames a second, as FACTS of the papers say.
CLIPS, SECONDS = 16_115, 2.0
OVERLAP = 0.5
Box = Sequence[float]


class Label(NamedTuple):
    """A labelled frame: the boxes of person 1 and person 2."""

    clip: str
    frame: int
    boxes: tuple[Box, Box]


def labels(path: Path = LABELS) -> list[Label]:
    """Return the labelled frames."""
    found: dict[tuple[str, int], dict[int, Box]] = {}
    for row in csv.DictReader(path.open()):
        box = [int(row[side]) for side in ("left", "top", "right", "bottom")]
        found.setdefault((row["clip"], int(row["frame"])), {})[int(row["person"])] = box
    return [Label(clip, frame, (boxes[1], boxes[2])) for (clip, frame), boxes in found.items()]


def overlaps(label: Label, rows: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return how well each of the two people of a labelled frame is found, 0 where they are not."""
    found = {row["track"]: row["box"] for row in rows if row["frame"] == label.frame}
    return [overlap(box, found[person]) if person in found else 0.0 for person, box in enumerate(label.boxes, 1)]


def clip_of(path: Path) -> Clip:
    """Return a clip by its file."""
    seen = probe(path)
    return Clip(path.stem, str(path), seen.frames or 0, seen.width or 0, seen.height or 0)


def both_found(folder: Path, params: FinderParams) -> Iterator[tuple[Label, list[float]]]:
    """Yield each labelled frame whose clip is in a folder with what `overlaps` says of it."""
    for label in labels():
        clip = clip_of(folder / f"{label.clip}.avi")
        yield label, overlaps(label, list(unpacked(look(Method(params, None, "auto"), clip))))


def both_of_rendered(truth: Path, streams: Path) -> pl.DataFrame:
    """Return a row for each rendered clip with at least one frame in which both people are seen.

    Columns: `part`, `others` (do more people pass), `frames` of which both are seen in, and in how many of these both
    are found: `labelled` as tracks 1 and 2, `swapped` in any order, `anybody` among all tracks.
    """
    found: dict[str, dict[int, list[tuple[int, Box]]]] = {}
    for clip, track, frame, box in read_table(streams, STREAMS).select("clip_id", "track", "frame", "box").iter_rows():
        found.setdefault(clip, {}).setdefault(frame, []).append((track, box))
    rows = []
    columns = ["clip_id", "kind", "people", "frames", "person_boxes"]
    for clip, kind, people, count, flat in pl.read_parquet(truth, columns=columns).iter_rows():
        boxes = np.array(flat).reshape(len(people), count, 4)[:2].tolist()
        seen = [frame for frame in range(count) if all(box[frame][2] > box[frame][0] for box in boxes)]
        by_frame = found.get(clip, {})
        counts = np.sum([hits([box[frame] for box in boxes], by_frame.get(frame, [])) for frame in seen], axis=0)
        part = kind if kind in ("train", "validation") else "test"
        if seen:
            names = ("labelled", "swapped", "anybody")
            by_name = dict(zip(names, counts.tolist(), strict=True))
            rows.append({"part": part, "others": len(people) > 2, "frames": len(seen), **by_name})
    return pl.DataFrame(rows)


def hits(true: Sequence[Box], found: Sequence[tuple[int, Box]]) -> tuple[bool, bool, bool]:
    """Return whether both are found in a frame: as labelled, in any order, and as any two."""
    first, second = ({track for track, box in found if overlap(box, one) >= OVERLAP} for one in true)
    labelled = 1 in first and 2 in second
    return labelled, labelled or (2 in first and 1 in second), bool(first and second and len(first | second) > 1)


def rendered(truth: Path, streams: Path) -> None:
    """Print in which share of the frames both people are found."""
    clips = both_of_rendered(truth, streams)
    chosen = {part: pl.col("part") == part for part in ("train", "validation", "test")}
    chosen |= {"nobody passes": ~pl.col("others"), "others pass": pl.col("others"), "all": pl.lit(True)}
    for name, which in chosen.items():
        some = clips.filter(which)
        frames, *counts = (some[column].sum() for column in ("frames", "labelled", "swapped", "anybody"))
        if frames:
            labelled, swapped, anybody = (f"{count / frames:.0%}" for count in counts)
            print(
                f"{name}: both people found in {labelled} of {frames} frames of {len(some)} clips;"
                f" in any order {swapped}, among all who were found {anybody}"
            )


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--folder", type=Path, default=Path("data/ut_interaction/clips"))
    arguments.add_argument("--model", default="opencv", help="a file of params/models")
    arguments.add_argument("--every", type=int, default=4, help="time each so manieth clip")
    arguments.add_argument("--truth", type=Path, help="the table of people that `simulate` wrote of rendered clips")
    arguments.add_argument("--streams", type=Path, help="with --truth: the folder of who was found in them")
    given = arguments.parse_args()
    if given.truth:
        if not given.streams:
            arguments.error("--truth needs --streams")
        rendered(given.truth, given.streams / "tracks.parquet")
        return
    params: FinderParams = TypeAdapter(FinderParams).validate_python(
        yaml.safe_load(Path(f"params/models/{given.model}.yaml").read_text())
    )
    found = list(both_found(given.folder, params))
    both = sum(min(values) >= OVERLAP for _, values in found)
    for label, values in found:
        if min(values) < OVERLAP:
            print(f"not both in {label.clip} frame {label.frame}: overlaps {values[0]:.2f} and {values[1]:.2f}")
    print(f"both people found in {both} of {len(found)} labelled frames ({both / len(found):.0%})")

    paths = sorted(given.folder.glob("*.avi"))[:: given.every]
    clips = [clip_of(path) for path in paths]
    frames = sum(clip.frames for clip in clips)
    start = time.process_time()
    for clip in clips:
        for frame in iterate(clip.path):
            frame.rgb()
    decoding = time.process_time() - start
    start = time.process_time()
    values = [look(Method(params, None, "auto"), clip) for clip in clips]
    work = time.process_time() - start
    rows = [
        {"clip_id": clip.clip_id, **row} for clip, value in zip(clips, values, strict=True) for row in unpacked(value)
    ]
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "tracks.parquet"
        write_table(table, rows, STREAMS)
        size = table.stat().st_size
    print(
        f"{frames / work:.0f} frames/s of one core; decoding alone {frames / decoding:.0f}: {work / decoding:.1f} times"
    )
    each, lines = size / len(rows), sum(row["box"][3] - row["box"][1] for row in rows) / len(rows)
    kilobytes = size / len(clips) / 1e3
    print(f"{each:.0f} bytes a mask of {lines:.0f} rows, {kilobytes:.0f} kB a clip of {frames // len(clips)} frames")
    # A mask's size goes with its height; two people as high as 300 of 480 rows.
    whole = CLIPS * SECONDS * 20 * 2 * each * 300 / lines
    print(f"two people in {CLIPS:,} clips of {SECONDS:g} s, 20 frames/s, 300 rows high: {whole / 1e9:.1f} GB")


if __name__ == "__main__":
    main()
