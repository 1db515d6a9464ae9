"""Clips of drawn people for a run, and the tables of who is seen in them, as `streams` writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from stages.base import schema
from stages.base.paths import Run
from stages.base.tables import read_table, write_sorted, write_table
from stages.streams.pair import choose
from tests.report.small import SMALL
from tests.streams.drawn import Course, clip, drawn, rows_of, stands

FRAMES = 6
LEFT, RIGHT = stands(50), stands(100)


def since(start: int, x: int = 100) -> Course:
    """Somebody on the right who is there from a frame on."""
    return lambda t: (x, 110) if t >= start else None


def until(end: int) -> Course:
    """Somebody on the right who is there before a frame."""
    return lambda t: (100, 110) if t < end else None


DRINK, WALK, TV = (SMALL.clips[start : start + 4] for start in (0, 4, 8))
#: Who is in which clip. Both are in at least half of the frames of two clips of the first class, in one frame of a clip
#: of the second, nowhere in the third.
PEOPLE: dict[str, list[Course]] = {
    DRINK[0]: [LEFT],
    DRINK[1]: [LEFT, since(4)],
    DRINK[2]: [LEFT, since(3), since(3, 175)],
    DRINK[3]: [LEFT, RIGHT],
    WALK[0]: [LEFT],
    WALK[1]: [LEFT, until(1)],
    TV[0]: [],
    TV[1]: [since(5)],
    TV[2]: [LEFT],
}


def film(run: Run, people: Mapping[str, Sequence[Course]], errors: Mapping[str, str]) -> Path:
    """Film these people; return the folder with what is true of them.

    Args:
        run: its manifest gets the clips.
        people: clip -> who is in it.
        errors: clip -> why it could not be looked at.
    """
    manifest = {row["clip_id"]: row for row in read_table(run.manifest, schema.MANIFEST).iter_rows(named=True)}
    tracks = []
    for clip_id, courses in people.items():
        images, masks = drawn(courses, FRAMES)
        manifest[clip_id] |= clip(run.clips, images, clip_id)._asdict()
        found = rows_of(masks)
        number = choose(found, FRAMES).number
        tracks += [
            {"clip_id": clip_id, **one._asdict(), "track": number(one.track), "box": list(one.box)} for one in found
        ]
    folder = run.streams("true")
    write_table(run.manifest, list(manifest.values()), schema.MANIFEST)
    write_sorted(folder / "tracks.parquet", [tracks], schema.STREAMS)
    looked = [{"clip_id": clip_id, "people": len(courses)} for clip_id, courses in people.items()]
    failed = [{"clip_id": clip_id, "error": error} for clip_id, error in errors.items()]
    write_table(folder / "clips.parquet", [*looked, *failed], schema.STREAMED)
    return folder
