"""Where each artefact of a run lies. A run is a data set's name: `home`, `weizmann`, `smarthome_vlm`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
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

    def predictions(self, method: str) -> Path:
        """Table PREDICTIONS of one method."""
        return self.data / "predictions" / f"{method}.parquet"

    def measures(self, method: str) -> Path:
        """Folder of one method's measures: `measures.parquet` and `embeddings.parquet`."""
        return self.data / "measures" / method

    def scores(self, method: str) -> Path:
        """Table SCORES of one method."""
        return self.data / "scores" / f"{method}.parquet"
