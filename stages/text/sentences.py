"""Sentence embeddings of a run: each distinct text is embedded once, whichever model, run or stage it came from.

A text is looked for in the journal, then in the `embeddings.parquet` files that earlier cells wrote (a fresh clone that
pulled them has no journal), and only then computed. All three give the same bits: float32 is kept as its bytes.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

from stages.base.errors import InputError
from stages.base.journal.previous import previous
from stages.base.journal.store import Journal, compute_missing, journal_key
from stages.base.params import compute
from stages.base.progress import Progress
from stages.base.schema import EMBEDDINGS
from stages.base.tables import read_table, write_table
from stages.text import encode
from stages.text.clustered import AT_ONCE, clustered
from stages.text.model import model_folder, revision

#: What the journal keeps of a text.
KIND = ("float32",)

#: What cells of any run left behind.
LEFT_BEHIND = "data/*/measures/*/embeddings.parquet"


class Sentences:
    """Embeddings of the texts asked for so far, under one encoder. Loads no model before a text must be computed."""

    def __init__(
        self,
        encoder: str,
        journal: Journal,
        own: Path | None = None,
        progress: str = "embed",
        precision: encode.Precision = "float32",
        pooling: encode.Pooling = "sentence",
    ) -> None:
        """Open an encoder.

        Args:
            encoder: name or path, see `stages.text.model`.
            journal: where embeddings are kept; all stages use the room "embed".
            own: this cell's `embeddings.parquet`, which DVC deletes before it runs the cell.
            progress: what the progress line calls the work.
            precision: what embeddings are computed in; see `encode`.
            pooling: what of the model's output they are; see `encode`.

        Raises:
            InputError: there is no such encoder.
        """
        self.folder = model_folder(encoder)
        self._same: dict[str, Any] = {
            "encoder": revision(self.folder),
            "versions": encode.versions(),
            "version": encode.VERSION,
        }
        self._same |= encode.shape(precision, pooling)
        self._precision: encode.Precision = precision
        self._pooling: encode.Pooling = pooling
        self._journal, self._own, self._progress = journal, own, progress
        self._row: dict[str, int] = {}
        self._keys: list[str] = []
        self._vectors: list[NDArray[np.float32]] = []
        self.computed = 0
        """Texts that had to be computed: neither the journal nor a file had them."""

    def __len__(self) -> int:
        return len(self._keys)

    def rows(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return each text's row in `vectors`; embeds what is new. (N,)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._row]
        keys = {text: journal_key(text=text, **self._same) for text in new}
        if any(key not in self._journal for key in keys.values()):
            self._refill(keys)
        with Progress(self._progress, len(new), sum(key in self._journal for key in keys.values())) as progress:
            self.computed += compute_missing(self._journal, new, keys.__getitem__, self._compute, progress.advance)
        for text, key in keys.items():
            self._row[text] = len(self._keys)
            self._keys.append(key)
            self._vectors.append(_decoded(self._journal.get(key)))
        return np.array([self._row[text] for text in texts], dtype=np.int64)

    @property
    def vectors(self) -> NDArray[np.float32]:
        """(texts, D): embeddings of unit length, in the order in which texts were first asked for."""
        return np.stack(self._vectors) if self._vectors else np.empty((0, 0), np.float32)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the embedding of each text, (N, D)."""
        rows = self.rows(texts)  # before `vectors`, which it fills
        return self.vectors[rows]

    def write(self, path: Path) -> None:
        """Write the texts asked for as table EMBEDDINGS: what a later cell without a journal starts from."""
        columns = {"journal_key": self._keys, "text": list(self._row), "embedding": list(self.vectors)}
        types: dict[str, Any] = {"journal_key": pl.String, "text": pl.String, "embedding": pl.List(pl.Float32)}
        write_table(path, pl.DataFrame(columns, schema=types), EMBEDDINGS)

    def _compute(self, texts: list[str]) -> Iterable[tuple[str, dict[str, str]]]:
        spread = compute().engine == "ray" and len(texts) > AT_ONCE
        embed = clustered if spread else encode.encode
        for text, vector in embed(self.folder, texts, precision=self._precision, pooling=self._pooling):
            yield text, _encoded(vector)

    def _refill(self, keys: dict[str, str]) -> None:
        """Take what the journal lacks from the files that earlier cells wrote."""
        files = sorted(Path().glob(LEFT_BEHIND))
        before = previous(self._own) if self._own else None
        if before and before not in files:
            files.append(before)
        missing = {key for key in keys.values() if key not in self._journal}
        for file in files:
            if missing:
                missing -= refill(self._journal, missing, file)


def refill(journal: Journal, missing: set[str], file: Path) -> set[str]:
    """Put what a table EMBEDDINGS holds of the missing keys into the journal; return those keys.

    A file that cannot be read is named and left aside: its texts are then computed.
    """
    try:
        held = set(pq.read_table(file, columns=["journal_key"])["journal_key"].to_pylist())
        if not held & missing:
            return set()
        table = read_table(file, EMBEDDINGS)
    except (InputError, OSError, ValueError, KeyError) as error:
        print(f"left aside, its texts are embedded again: {file}: {str(error).splitlines()[0]}", file=sys.stderr)
        return set()
    wanted = table.filter(pl.col("journal_key").is_in(list(missing)))
    for key, vector in zip(wanted["journal_key"], wanted["embedding"], strict=True):
        journal.put(key, _encoded(vector.to_numpy()))
    return set(wanted["journal_key"])


def _encoded(vector: NDArray[np.float32]) -> dict[str, str]:
    return {"float32": base64.b64encode(np.ascontiguousarray(vector, dtype="<f4").tobytes()).decode("ascii")}


def _decoded(value: dict[str, Any]) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(value["float32"]), dtype="<f4")
