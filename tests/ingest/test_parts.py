import tracemalloc

import polars as pl

from stages.base.schema import SPLITS, keys_of
from stages.base.tables import read_table, write_pieces, write_table
from stages.ingest.adapters import load
from stages.ingest.params import IngestParams
from stages.ingest.parts import Parts, Usable
from stages.ingest.protocols import Part
from stages.ingest.split import split
from tests.ingest.clips import smarthome_rows

NAMES = [
    f"{label}_p{subject:02d}_r00_v01_c{camera:02d}"
    for label in ("Walk", "Enter")
    for subject in (2, 3, 19, 4)
    for camera in (1, 2, 5)
]


def test_the_table_comes_in_pieces_in_the_order_of_its_keys(tmp_path):
    both = {"validation": True}
    protocols = {"random": {"folds": 3, "seed": 0, **both}, "leave_one_subject_out": both, "cs": both, "cv1": both}
    params = IngestParams(adapter="smarthome", licensed=False, protocols=protocols, accept_leaks=[])
    splits = split(smarthome_rows(*NAMES)[::-1], [], params, load("smarthome"))
    pieces = list(splits.tables())
    assert len(pieces) == 3 + 4  # a fold a subject
    rows = [{"protocol": name, **part._asdict()} for name, parts in splits.parts.items() for part in parts]
    write_table(tmp_path / "rows", rows, SPLITS)
    write_pieces(tmp_path / "pieces", pieces, SPLITS)
    assert (tmp_path / "pieces").read_bytes() == (tmp_path / "rows").read_bytes()
    written = read_table(tmp_path / "pieces", SPLITS)
    assert written.select(keys_of(SPLITS)).equals(written.select(keys_of(SPLITS)).sort(pl.all()))
    assert len(written) == len(rows) == 4 * len(NAMES) + 2 * len(NAMES) + sum(1 for _ in splits.parts["cv1"])


def test_a_part_takes_a_few_bytes_a_clip_and_fold():
    usable = Usable(smarthome_rows(*NAMES))

    def peak(folds: int) -> int:
        tracemalloc.start()
        parts = Parts(usable, (Part("fold", name, "train") for _ in range(folds) for name in NAMES))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert next(iter(parts)).clip_id in usable
        return most

    peak(10)
    # Five, and room to grow; a tuple of three texts takes 64.
    assert (peak(2000) - peak(1000)) / (1000 * len(NAMES)) < 16
