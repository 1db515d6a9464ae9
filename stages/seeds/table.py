"""What a draw of seeds gave, as text that lies in git.

Its numbers, a row a method, protocol, metric and aggregate; of a method's own draw also what it said of each clip.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import MANIFEST, SCORES, VERDICTS
from stages.base.spreadsheet import as_written, csv_text
from stages.base.tables import read_table, write_text
from stages.compare.named import tell_all

DIGITS = 6
#: `base_seed` and `seed` count draws, 0 being the shipped one: of the base model's seed, and of the row's own.
SCHEMA = pl.Schema(
    {
        "method": pl.String,
        "protocol": pl.String,
        "metric": pl.String,
        "aggregate": pl.String,
        "base_seed": pl.Int64,
        "seed": pl.Int64,
        "value": pl.Float64,
    }
)
KEYS = list(SCHEMA)[:-1]
#: What names a number, whatever the draw.
NUMBER = KEYS[:4]
#: `said` is a text of JSON: in a cell what its training made of the clip, in the gathered table a list, a draw each.
CLIPS = pl.Schema({"method": pl.String, "metric": pl.String, "clip_id": pl.String, "said": pl.String})
CELLS = Path("seeds/cells")
#: Key of the seed in a base model's recipe; that of a row's own has another.
BASE = "seed"


def cell_file(dataset: str, name: str, key: str, draw: int) -> Path:
    """Return where the numbers lie of a method or a base model by a draw of the seed under `key`."""
    return CELLS / dataset / f"{name}_{'base_' if key == BASE else ''}{draw}.csv"


def clips_file(numbers: Path) -> Path:
    """Return where lies what a draw said of each clip, beside its numbers."""
    return numbers.with_name(f"{numbers.stem}_clips.csv")


def drawn(root: Path, dataset: str, methods: list[str], base_seed: int, seed: int) -> pl.DataFrame:
    """Return the overall aggregates of some methods, from the scores below `root`, as rows of SCHEMA.

    Numbers of single classes, rules and thresholds are left out, and deviations between repeated draws of one answer.

    Raises:
        InputError: a method has no scores.
    """
    overall = ~pl.col("aggregate").str.contains(":") & ~pl.col("aggregate").str.ends_with("_sd")
    tables = [read_table(root / Run(dataset).scores(method), SCORES).filter(overall) for method in methods]
    rows = pl.concat(tables) if tables else pl.DataFrame(schema=SCHEMA)
    return rows.with_columns(base_seed=pl.lit(base_seed), seed=pl.lit(seed)).select(
        pl.col(name).cast(kind) for name, kind in SCHEMA.items()
    )


def said(root: Path, dataset: str, method: str) -> pl.DataFrame:
    """Return what a method's verdicts below `root` say of each clip, as rows of CLIPS.

    That is, by a metric of sets, the set of each draw; by one that names a class, of one draw a clip, that class, from
    which follows whether it is right; else, and where no class was named, the share of right answers. Null is a clip
    that is left out.
    """
    verdicts = read_table(root / Run(dataset).verdicts(method), VERDICTS)
    labels = pl.when(pl.col("labels").list.len() == 1).then(pl.col("labels").list.first()).alias("actual")
    actual = read_table(root / Run(dataset).manifest, MANIFEST).select("clip_id", labels)
    # Whoever reads the class tells from it whether it is right: a metric is taken whole, or its shares are.
    whole = tell_all(pl.col("actual")).over("metric")
    rows = verdicts.join(actual, on="clip_id", how="left", maintain_order="left").with_columns(
        named=pl.when(pl.col("right").is_not_null() & whole).then("label")
    )
    texts = [
        json.dumps(next((one for one in found if one is not None), None), separators=(",", ":"), ensure_ascii=False)
        for found in rows.select("labels", "named", "right").iter_rows()
    ]
    return rows.select(list(CLIPS)[:3]).with_columns(pl.Series("said", texts, pl.String))


def together(draws: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of several draws of a method as one, `said` a list."""
    keys = list(CLIPS)[:3]
    table = draws[0].select(keys).sort(keys)
    columns = [table.join(draw, on=keys, how="left", maintain_order="left")["said"].fill_null("null") for draw in draws]
    lists = [f"[{','.join(row)}]" for row in zip(*columns, strict=True)]
    return table.with_columns(pl.Series("said", lists, pl.String))


def write_clips(path: Path, rows: pl.DataFrame) -> None:
    """Write rows of CLIPS, sorted."""
    write_text(path, csv_text(rows.sort(list(CLIPS)[:3])))


def write_rows(path: Path, rows: pl.DataFrame) -> None:
    """Write rows of SCHEMA, sorted, six digits."""
    # Adding zero turns -0.0 into 0.0.
    write_text(path, csv_text(rows.sort(KEYS).with_columns(pl.col("value").round(DIGITS) + 0.0)))


def read_rows(path: Path, schema: pl.Schema = SCHEMA) -> pl.DataFrame:
    """Return rows of SCHEMA, or of CLIPS.

    Raises:
        InputError: the file is missing or is no such table.
    """
    try:
        table = pl.read_csv(path, schema=schema)
    except FileNotFoundError:
        raise InputError("no such file", file=path, do="run `make seeds`") from None
    except pl.exceptions.PolarsError as error:
        raise InputError(f"not a table of seeds: {error}", file=path, do="run `make seeds`") from None
    return as_written(table)
