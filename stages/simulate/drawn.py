"""Draw what is planned on all cores, and write its truth as it comes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from stages.base.parallel.crashed import Crashed
from stages.base.parallel.pool import parallel_map
from stages.base.paths import Run


class _Plan(Protocol):
    @property
    def clip_id(self) -> str: ...


class _Made(Protocol):
    @property
    def truth(self) -> dict[str, Any]: ...


P = TypeVar("P", bound=_Plan)
M = TypeVar("M", bound=_Made)


@contextmanager
def renewed(run: Run) -> Iterator[tuple[Path, Path]]:
    """Yield a folder for clips and a file for their truth; both get their names at the end, the truth last."""
    clips, truth = run.data / "clips.part", run.data / "truth.parquet.part"
    shutil.rmtree(clips, ignore_errors=True)
    clips.mkdir(parents=True)
    yield clips, truth
    shutil.rmtree(run.clips, ignore_errors=True)
    clips.rename(run.clips)
    truth.rename(run.data / "truth.parquet")


def drawn(
    draw: Callable[[P], M],
    plans: Sequence[P],
    processes: int,
    path: Path,
    schema: pa.Schema,
    group: int,
    advance: Callable[[int], None],
) -> Iterator[tuple[P, M]]:
    """Yield each plan, in order, with what `draw` makes of it, whose truth becomes a row of a Parquet file.

    Args:
        draw: importable, as `parallel_map` wants it.
        plans: in the order of the file's rows.
        processes: to draw in.
        path: the file, whole after the last plan.
        schema: of its rows.
        group: rows of a row group, which are in memory at once.
        advance: is told of every plan that is done.

    Raises:
        RuntimeError: a plan killed the process that drew it, twice.
    """
    ready: dict[str, M] = {}
    rows: list[dict[str, Any]] = []
    due = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for what, made in parallel_map(draw, plans, processes):
            if isinstance(made, Crashed):
                raise RuntimeError(f"{what.clip_id}: {made}")
            advance(1)
            ready[what.clip_id] = made
            while due < len(plans) and plans[due].clip_id in ready:
                plan, due = plans[due], due + 1
                next_made = ready.pop(plan.clip_id)
                rows.append(next_made.truth)
                if len(rows) == group or due == len(plans):
                    writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                    rows = []
                yield plan, next_made
