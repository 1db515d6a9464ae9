"""The back end `truth`: the benchmark's own masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from stages.base.errors import InputError
from stages.base.journal.store import journal_key
from stages.base.video.decode import Image
from stages.base.video.masks import Mask, from_runs
from stages.streams.finder import Clip, Seen, seen

#: Raise it when the same table gives other people.
VERSION = 2
_COLUMNS = ["clip_id", "frames", "width", "height", "person_masks"]


class Truth:
    """Looks clips up in a table of people: a row a clip, whose `person_masks` are one list a person.

    Each is the run lengths in row order over (T, H, W), as in the simulator's other tables.
    """

    def __init__(self, path: Path | None, pair: Literal["known", "rule"] = "known") -> None:
        """Open the table; `pair` says who chooses the two who interact.

        Raises:
            InputError: there is none, or it is not of people.
        """
        if path is None:
            do = "name the table in the slot `truth` of this cell's record; only rendered data sets have one"
            raise InputError("back end truth, and no table of it", file="params.yaml", key="streamed", do=do)
        try:
            table = pq.read_table(path, columns=_COLUMNS)
        except FileNotFoundError:
            raise InputError("no such file", file=path, do="run the stage that writes it (`dvc repro`)") from None
        except (pa.ArrowException, OSError) as error:
            do = "name the table of a rendered data set of people"
            raise InputError(f"no table of people ({error})", file=path, do=do) from None
        self.path, self._table, self._pair = path, table, pair
        self._places = {clip: place for place, clip in enumerate(table["clip_id"].to_pylist())}

    def shapes(self, clip_id: str) -> dict[str, Any]:
        """Return the version and the hash of what the table says of the clip."""
        place = self._places.get(clip_id)
        row = [] if place is None else self._table.slice(place, 1).to_pylist()
        return {"version": VERSION, "row": journal_key(row=row)}

    def known(self, clip_id: str) -> tuple[int, int] | None:
        """Return the first two people of the table, who interact; None where the rule must choose."""
        return (0, 1) if self._pair == "known" else None

    def find(self, clip: Clip, views: Sequence[Image] = ()) -> list[Seen]:
        """Return the people as they were drawn.

        Raises:
            InputError: the table lacks the clip, or its masks are of another size.
        """
        if clip.clip_id not in self._places:
            raise InputError("it has no such clip", file=self.path, row=clip.clip_id, do="run `simulate` and `ingest`")
        (row,) = self._table.slice(self._places[clip.clip_id], 1).to_pylist()
        found = [
            seen(person, frame, mask, 1.0)
            for person, masks in enumerate(self._masks(row, clip))
            for frame, mask in enumerate(masks)
        ]
        return [one for one in found if one is not None]

    def _masks(self, row: dict[str, Any], clip: Clip) -> list[Mask]:
        """Return where each person is seen, (T, H, W)."""
        shape = (row["frames"], row["height"], row["width"])
        if shape != (clip.frames, clip.height, clip.width):
            what = f"masks of {shape} (frames, height, width), the clip is {(clip.frames, clip.height, clip.width)}"
            raise InputError(what, file=self.path, row=clip.clip_id, do="run `simulate` and `ingest` again")
        try:
            return [from_runs(runs, shape) for runs in row["person_masks"]]
        except ValueError as error:
            raise InputError(f"masks: {error}", file=self.path, row=clip.clip_id, do="run `simulate` again") from None
