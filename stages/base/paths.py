"""Where each artefact of a run lies. A run is a data set's name: `home`, `weizmann`, `smarthome_vlm`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: The kinds of records that are methods: lists of params.yaml, which its `methods` joins.
METHODS = ("asked", "trained", "adapted", "distilled", "interacting")
#: The null models, and the reference captions as answers.
NULLS = ("null_constant", "null_every_class", "null_shuffled")
REFERENCES = "references"
#: What a record names where there is no such input; the same below data/models.
NONE = "data/none"


def given(path: str) -> Path | None:
    """Return an input that a record names; None where it has none."""
    return None if path == NONE else Path(path)


@dataclass(frozen=True, order=True)
class Run:
    """The files of one run, relative to the repository's root, which is where stages run."""

    name: str

    @property
    def data(self) -> Path:
        """Folder of the run's artefacts."""
        return Path("data") / self.name

    @property
    def metrics(self) -> Path:
        """Folder of the run's committed numbers."""
        return Path("metrics") / self.name

    @property
    def clips(self) -> Path:
        """Folder of the clips, where the run has any."""
        return self.data / "clips"

    @property
    def manifest(self) -> Path:
        """Table MANIFEST."""
        return self.data / "manifest.parquet"

    @property
    def splits(self) -> Path:
        """Table SPLITS."""
        return self.data / "splits.parquet"

    @property
    def classes(self) -> Path:
        """JSON: the class list, as `stages/labels/classes.py` reads it."""
        return self.data / "classes.json"

    @property
    def keyframes(self) -> Path:
        """Folder of the shards of table KEYFRAMES."""
        return self.data / "keyframes"

    @property
    def keywords(self) -> Path:
        """JSON: class -> keywords."""
        return self.data / "keywords.json"

    @property
    def captions(self) -> Path:
        """Table CAPTIONS: the reference captions."""
        return self.data / "captions.parquet"

    @property
    def errors(self) -> Path:
        """JSON: how many answers of each cell that asks ended in an error, as the cell counted them when it ran."""
        return self.metrics / "errors.json"

    def streams(self, method: str) -> Path:
        """Folder of one method's tables STREAMS (`tracks.parquet`) and STREAMED (`clips.parquet`)."""
        return self.data / "streams" / method

    def predictions(self, method: str) -> Path:
        """Table PREDICTIONS of one method; those that `nulls` writes have a folder of their own."""
        folder = "nulls" if method in (*NULLS, REFERENCES) else "predictions"
        return self.data / folder / f"{method}.parquet"

    @property
    def methods(self) -> Path:
        """JSON: the methods that are measured, in the order of the page."""
        return self.data / "measures" / "methods.json"

    def measures(self, method: str) -> Path:
        """Folder of one method's measures: `measures.parquet` and `embeddings.parquet`."""
        return self.data / "measures" / method

    def scores(self, method: str) -> Path:
        """Table SCORES of one method."""
        return self.data / "scores" / f"{method}.parquet"

    def verdicts(self, method: str) -> Path:
        """Table VERDICTS of one method."""
        return self.data / "verdicts" / f"{method}.parquet"

    def headlines(self, method: str) -> Path:
        """JSON: one method's headline numbers, a committed metric."""
        return self.metrics / "headlines" / f"{method}.json"


def fetch(path: Path) -> str:
    """Return what to do about a missing input: how to pull it where a DVC pointer stands for it."""
    for part in (path, *path.parents):
        pointer = part.with_name(f"{part.name}.dvc") if part.name else part
        if pointer.is_file():
            return (
                f"`dvc pull {pointer}` brings it from the remote; its address, from HAR_REMOTE, is set by"
                ' `dvc remote add --local --default real "$HAR_REMOTE"`'
            )
    return "correct the path in params.yaml, or run the stage that writes it (`dvc repro`)"
